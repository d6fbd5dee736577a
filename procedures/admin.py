"""The site's administration."""

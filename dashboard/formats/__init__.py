"""Formats of times in the admin; on other pages, the browser formats times."""

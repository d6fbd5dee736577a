"""Settings that a site gives by environment variables, and the secrets among them."""

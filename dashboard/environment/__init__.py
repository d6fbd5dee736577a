"""Settings from environment variables, and the secrets among them."""

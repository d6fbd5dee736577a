"""Settings, which are read from environment variables, and a list of the secrets among them."""

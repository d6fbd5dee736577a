"""A shop's own project with the product in it: another user model, settings, addresses, tables."""

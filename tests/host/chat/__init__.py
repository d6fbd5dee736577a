"""The shop's own chat with its customers, whose label and tables are called as anybody would."""

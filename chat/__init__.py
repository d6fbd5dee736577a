"""People and runs talking: sessions, messages, requests and responses."""

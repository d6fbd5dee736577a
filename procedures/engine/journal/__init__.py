"""A run's journal: its events, their chain, and the protocol of its storage."""

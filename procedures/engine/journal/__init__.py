"""A run's journal: its events, the hash chain over them, and the protocol of its storage."""

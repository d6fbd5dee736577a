"""A run's journal: its events, the chain over them, and the protocol of whoever stores it."""

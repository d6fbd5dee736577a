"""Replay: a run's earlier events, and what a fiber of its code adds to them."""

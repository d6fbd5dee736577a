"""Replay: what a run has done before, and what one line of its code adds to that."""

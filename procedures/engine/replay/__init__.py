"""Replay: matching a run's code against its earlier events, and recording new events."""

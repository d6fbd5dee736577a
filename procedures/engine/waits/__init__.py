"""Waiting for people, signals, time and child runs, for sets of these, and for branches."""

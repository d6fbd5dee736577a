"""Waiting: for people, signals, time, child runs, sets of these, and branches."""

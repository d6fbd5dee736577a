"""Replay: procedure code runs again over the events of its run, and new events are recorded."""

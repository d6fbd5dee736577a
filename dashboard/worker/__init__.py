"""Duties of a worker's main process: looking at the queue, at its slots and at the clock."""

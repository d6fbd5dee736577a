"""The duties of a worker's main process: the queue, its slots and the clock."""

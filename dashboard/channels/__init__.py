"""Channels that deliver planned messages to people outside the pages, one module each."""

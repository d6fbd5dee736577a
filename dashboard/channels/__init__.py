"""Channels by which planned messages reach people apart from pages, one module each."""

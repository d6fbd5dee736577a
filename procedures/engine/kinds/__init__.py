"""Kinds of requests: what each asks, and what answers it."""

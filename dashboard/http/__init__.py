"""Middleware and guards: client addresses, rate limits, size limits and caching."""

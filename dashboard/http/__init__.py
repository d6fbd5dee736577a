"""Middleware and guards, for example for client addresses, rate limits, body sizes and caching."""

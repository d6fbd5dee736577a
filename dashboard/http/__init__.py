"""Middleware and guards: client addresses, rates, sizes and caching."""

"""Procedures to look at and try; the demo loads them, other sites do not."""

"""Middleware and guards: who really calls, how often and how much, and who may keep an answer."""

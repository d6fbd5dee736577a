"""Durable runs: procedures, their journals and the workers that advance them; no web, no chat."""

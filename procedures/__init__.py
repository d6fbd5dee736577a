"""Durable runs: procedures, their journals and the workers that advance runs; no web, no chat."""

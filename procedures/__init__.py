"""Durable runs: procedures, their journals and what moves them; no web and no chat."""

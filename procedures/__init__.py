"""Durable runs: procedures, their journals and what moves them. Knows no web and no chat."""

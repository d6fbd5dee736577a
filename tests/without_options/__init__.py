"""Tests without one option at a time: it is declared and stored, but nobody obeys it."""

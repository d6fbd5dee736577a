"""Procedures that only the tests know."""

"""Declarations by authors: procedures, roles, limits, and steps with their signatures."""

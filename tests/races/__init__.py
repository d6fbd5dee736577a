"""Operators against a working worker, and against each other, over the real journal."""

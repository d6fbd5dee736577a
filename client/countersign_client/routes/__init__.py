"""The routes of the API: each function describes a call, and a client's method sends it.

The docstrings are written for these methods, which take them over.
"""

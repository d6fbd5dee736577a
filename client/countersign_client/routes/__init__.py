"""The routes of the API: each function returns a call, and a method of the clients sends that call.

The methods have the docstrings of these functions, so the docstrings describe what the methods do.
"""

"""The routes of the API: each function describes a call. Their docstrings are the clients' own."""

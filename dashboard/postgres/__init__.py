"""Django's PostgreSQL backend, changed to recover at once after a restart of the server."""

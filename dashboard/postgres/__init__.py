"""Django's PostgreSQL backend, changed to recover immediately after a restart of the server."""

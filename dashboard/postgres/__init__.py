"""Django's PostgreSQL backend, changed so that it recovers at once if the server restarts."""

"""Django's PostgreSQL backend, changed so that a restart of the server disturbs few requests."""

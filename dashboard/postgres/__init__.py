"""Django's PostgreSQL backend, which comes through a restart of the server without waiting."""

"""Django's PostgreSQL backend, changed to survive a restart of the server without waiting."""

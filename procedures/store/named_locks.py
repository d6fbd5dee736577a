"""Locks by name, for work that one transaction at a time may do and that has no row to lock."""

from django.db import connection


def lock_name(name: str) -> None:
    """Wait until no other transaction has locked this name, and lock it until the transaction ends.

    On SQLite, this does nothing, because each transaction that writes excludes all others anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"countersign: {name}"])

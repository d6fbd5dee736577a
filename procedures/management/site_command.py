"""The base class of the product's commands."""

import sqlite3
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from procedures.conf import conf

UNDEFINED = {"42P01", "42703"}
"""PostgreSQL's codes for a table and for a column that doesn't exist."""
MISSING = ("no such table", "no such column")
"""The beginnings of what SQLite says of these."""
UNREACHABLE = ("08", "28", "3D", "57P")
"""Classes of PostgreSQL's codes: no connection, no access, no such database, and a shutdown."""
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
"""SQLite's codes for a lock that another process has held for too long."""


class SiteCommand(BaseCommand):
    """A command that says in a sentence if the database can't be used, instead of a traceback."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            if not is_unmigrated(error) and isinstance(error, ProgrammingError):
                raise
            # With --traceback, Django also prints where the error was raised.
            raise CommandError(sentence_about(error)) from error


def is_unmigrated(error: Exception) -> bool:
    """Return True for an error about a table or a column that `migrate` would create."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code in UNDEFINED or str(error).startswith(MISSING)


def is_unreachable(error: Exception) -> bool:
    """Return True unless the database has answered, for example that a lock was held too long."""
    code = getattr(error.__cause__, "sqlstate", None)
    if code is None:
        return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF not in BUSY
    return str(code).startswith(UNREACHABLE)


def sentence_about(error: Exception) -> str:
    """Return what is wrong with the database, and what helps."""
    reason = " ".join(str(error).split())
    if is_unmigrated(error):
        command = "make run" if conf.IS_EMBEDDED else "manage.py migrate"
        return f"The database can't be used ({reason}). Run `{command}` first."
    if is_unreachable(error):
        settings = "its address and password in the settings are right"
        remedy = f"Make sure that it runs, and that {settings}."
        return f"The database can't be used ({reason}). {remedy}"
    return f"The database couldn't complete the command ({reason}). Run it again."

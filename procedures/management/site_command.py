"""The base class of the product's commands."""

from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from procedures.conf import conf

UNDEFINED = {"42P01", "42703"}
"""PostgreSQL's codes for a table and for a column that doesn't exist."""
MISSING = ("no such table", "no such column")
"""The beginnings of what SQLite says of these."""


class SiteCommand(BaseCommand):
    """A command that says in a sentence if the database can't be used, instead of a traceback."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            if not is_unmigrated(error) and isinstance(error, ProgrammingError):
                raise
            raise CommandError(sentence_about(error)) from None


def is_unmigrated(error: Exception) -> bool:
    """Return True for an error about a table or a column that `migrate` would create."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code in UNDEFINED or str(error).startswith(MISSING)


def sentence_about(error: Exception) -> str:
    """Return why the database can't be used, and what helps."""
    reason = " ".join(str(error).split())
    remedy = "Make sure that it runs, and that the settings name it."
    if is_unmigrated(error):
        remedy = f"Run `{'make run' if conf.IS_EMBEDDED else 'manage.py migrate'}` first."
    return f"The database can't be used ({reason}). {remedy}"

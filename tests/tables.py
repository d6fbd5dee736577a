"""Empty the database after a test: the rows that `migrate` made are there for the next one."""

from collections.abc import Iterable
from typing import Any

from django.core.management.commands import flush
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from procedures.services import note_installation
from tests.processes import Process

MADE = (
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "countersign_dashboard_standardgroup",
    "countersign_procedures_procedure",
    "countersign_procedures_procedureversion",
    "countersign_procedures_grant",
)
"""The tables that `migrate` fills by itself. To fill them after each test would cost most of it."""
Rows = list[tuple[Any, ...]]
columns: dict[str, str] = {}
rows: dict[str, Rows] = {}


def keep_what_migrate_made() -> None:
    """Have every test begin with it as it is now, without a migration's signals at its end."""
    operations: Any = connection.ops
    operations.sql_flush = delete_what_was_written
    flush.emit_post_migrate_signal = make_again  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        for table in MADE:
            described = connection.introspection.get_table_description(cursor, table)
            columns[table] = ", ".join(quote(column.name) for column in described)
            rows[table] = read(cursor, table)


def delete_what_was_written(_style: object, tables: Iterable[str], **_options: object) -> list[str]:
    """The tables with rows, not all there are; what `migrate` made if a test has changed it.

    While other processes run, all: one of them may write to a table that was empty a moment ago.
    """
    emptied = sorted({*tables} - {*MADE})
    filled = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})"  # noqa: S608
        for table in emptied
    )
    with connection.cursor() as cursor:
        cursor.execute(filled)
        found = [table for (table,) in cursor.fetchall()]
        written: list[str] = emptied if Process.running else found
        if any(read(cursor, table) != rows[table] for table in MADE):
            written.extend(MADE)
    return [f"DELETE FROM {quote(table)}" for table in written]  # noqa: S608


def make_again(*_arguments: object) -> None:
    """Insert again what was deleted of it, with its old ids; the site's own row is a new one."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in MADE:
            if not read(cursor, table):
                places = ", ".join(["%s"] * len(rows[table][0]))
                insert = f"INSERT INTO {quote(table)} ({columns[table]}) VALUES ({places})"  # noqa: S608
                cursor.executemany(insert, rows[table])
    note_installation()


def read(cursor: CursorWrapper, table: str) -> Rows:
    cursor.execute(f"SELECT {columns[table]} FROM {quote(table)} ORDER BY id")  # noqa: S608
    found: Rows = cursor.fetchall()
    return found


def quote(name: str) -> str:
    quoted: str = connection.ops.quote_name(name)
    return quoted

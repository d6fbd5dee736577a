"""Statements written by hand, for what every claim and every end of one does.

A query of the ORM costs a thousand calls of Python; these cost the statement.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, connection, models

from procedures.models.cursors import kept_cursor

Row = TypeVar("Row")
Cell = str | int | datetime | UUID
AT_ONCE = 1000
"""Rows in one statement: databases take so many values, and no more."""


def adapted(value: Cell) -> Cell:
    """As Django writes it into this database."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value) or ""
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def exists(statement: str, key: UUID) -> bool:
    """Whether a query about one row finds anything."""
    return bool(fetched(statement, key))


def fetched(statement: str, *cells: Cell) -> list[tuple[Any, ...]]:
    """The rows that a query finds, as the driver gives them."""
    cursor = kept_cursor()
    cursor.execute(statement, [adapted(cell) for cell in cells])
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def parts_of(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As many as one statement takes at a time."""
    return (rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE))


def save_columns(row: models.Model, names: Sequence[str]) -> None:
    """What `row.save(update_fields=names)` does for a plain row of one table."""
    statement, fields = _update(type(row), tuple(names))
    cells = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    cursor = kept_cursor()
    cursor.execute(statement, cells)
    if cursor.rowcount == 0:
        raise DatabaseError(f"{type(row).__name__} {row.pk} is gone.")


@cache
def _update(
    model: type[models.Model], names: tuple[str, ...]
) -> tuple[str, list["models.Field[Any, Any]"]]:
    meta = model._meta  # noqa: SLF001 (Django documents it)
    named = {field.name: field for field in meta.concrete_fields}
    fields = [named[name] for name in names]
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    statement = f"UPDATE {meta.db_table} SET {columns} WHERE {meta.pk.column} = %s"  # noqa: S608
    return statement, [*fields, meta.pk]

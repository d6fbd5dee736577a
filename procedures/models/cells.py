"""Statements written by hand, for what every claim, answer and end does.

A query of the ORM costs a thousand calls of Python; these cost the statement.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models

from procedures.models.cursors import Cell, kept_cursor

Row = TypeVar("Row")
AT_ONCE = 1000
"""Rows in one statement: databases take so many values, and no more."""
KEPT_OTHERWISE = {
    "BooleanField": "convert_booleanfield_value",
    "DateTimeField": "convert_datetimefield_value",
    "UUIDField": "convert_uuidfield_value",
}
"""What SQLite has no types for, and what of Django's reads it."""


def adapted(value: Cell) -> Cell:
    """As Django writes it into this database."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value) or ""
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def exists(statement: str, *cells: Cell) -> bool:
    """Whether a query finds anything."""
    return bool(fetched(statement, *cells))


def fetched(statement: str, *cells: Cell) -> list[tuple[Any, ...]]:
    """The rows that a query finds, as the driver gives them."""
    cursor = kept_cursor()
    cursor.execute(statement, [adapted(cell) for cell in cells])
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def rows_of(
    tables: tuple[type[models.Model], ...], rest: str, *cells: Cell
) -> list[tuple[Any, ...]]:
    """Whole rows of these tables, side by side, as Django reads them.

    `rest`: the query from what follows their columns on. What else it asks for comes after them,
    as the driver gives it.
    """
    columns = ", ".join(_reading(table)[0] for table in tables)
    found = fetched(f"SELECT {columns} {rest}", *cells)
    return [tuple(_rows_in(cells, tables)) for cells in found]


def _rows_in(cells: Sequence[Any], tables: tuple[type[models.Model], ...]) -> Iterator[Any]:
    for table in tables:
        _, names, readers = _reading(table)
        own, cells = list(cells[: len(names)]), cells[len(names) :]
        if connection.vendor == "sqlite":
            for place, reader in readers:
                own[place] = getattr(connection.ops, reader)(own[place], None, connection)
        yield table.from_db(DEFAULT_DB_ALIAS, names, own)
    yield from cells


@cache
def _reading(table: type[models.Model]) -> tuple[str, list[str], list[tuple[int, str]]]:
    """Its columns, their names, and what reads which of them."""
    meta = table._meta  # noqa: SLF001 (Django documents it)
    fields = meta.concrete_fields
    columns = ", ".join(f"{meta.db_table}.{field.column}" for field in fields)
    kinds = [_end_of(field).get_internal_type() for field in fields]
    readers = [(n, KEPT_OTHERWISE[kind]) for n, kind in enumerate(kinds) if kind in KEPT_OTHERWISE]
    return columns, [field.attname for field in fields], readers


def _end_of(field: Any) -> Any:
    """What a foreign key holds."""
    while field.is_relation:
        field = field.target_field
    return field


def parts_of(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As many as one statement takes at a time."""
    return (rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE))


def save_columns(row: models.Model, names: Sequence[str]) -> None:
    """What `row.save(update_fields=names)` does for a plain row of one table."""
    statement, names = _update(type(row), tuple(names))
    cursor = kept_cursor()
    cursor.execute(statement, [adapted(getattr(row, name)) for name in names])
    if cursor.rowcount == 0:
        raise DatabaseError(f"{type(row).__name__} {row.pk} is gone.")


def insert_row(row: models.Model, *, also: tuple[str, Sequence[Cell]] = ("", ())) -> None:
    """Do what `row.save(force_insert=True)` does for a plain row of one table.

    `also`: an UPDATE with its cells that goes to a server in the same statement.
    """
    statement, fields = _insertion(type(row))
    cursor, (update, more) = kept_cursor(), also
    cells, others = [field.pre_save(row, add=True) for field in fields], [*map(adapted, more)]
    if update and connection.vendor == "postgresql":
        statement, cells, update = f"WITH also AS ({update}) {statement}", [*others, *cells], ""
    if update:
        cursor.execute(update, others)
    cursor.execute(statement, [*map(adapted, cells)])
    [key] = cursor.fetchone()
    if row.pk is None:
        row.pk = key
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 (documented)


@cache
def _insertion(model: type[models.Model]) -> tuple[str, list["models.Field[Any, Any]"]]:
    meta = model._meta  # noqa: SLF001 (Django documents it)
    fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns, places = ", ".join(f.column for f in fields), ", ".join(["%s"] * len(fields))
    statement = (
        f"INSERT INTO {meta.db_table} ({columns}) VALUES ({places})"  # noqa: S608
        f" RETURNING {meta.pk.column}"
    )
    return statement, fields


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[str]]:
    meta = model._meta  # noqa: SLF001 (Django documents it)
    named = {field.name: field for field in meta.concrete_fields}
    fields = [named[name] for name in names]
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    statement = f"UPDATE {meta.db_table} SET {columns} WHERE {meta.pk.column} = %s"  # noqa: S608
    return statement, [field.attname for field in (*fields, meta.pk)]

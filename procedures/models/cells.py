"""Statements written by hand, for what every claim, answer and end does.

A query of the ORM costs a thousand calls in Python; these cost only the statement.
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
"""Rows per statement, because databases limit the number of values."""
KEPT_OTHERWISE = {
    "BooleanField": "convert_booleanfield_value",
    "DateTimeField": "convert_datetimefield_value",
    "UUIDField": "convert_uuidfield_value",
}
"""Django's readers of the types that SQLite lacks."""


def adapted(value: Cell) -> Cell:
    """Return the value as Django writes it to this database."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value) or ""
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def exists(statement: str, *cells: Cell) -> bool:
    """Return True if a query finds anything."""
    return bool(fetched(statement, *cells))


def fetched(statement: str, *cells: Cell) -> list[tuple[Any, ...]]:
    """Return the rows of a query as the driver returns them."""
    cursor = kept_cursor()
    cursor.execute(statement, [adapted(cell) for cell in cells])
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def rows_of(
    tables: tuple[type[models.Model], ...], rest: str, *cells: Cell
) -> list[tuple[Any, ...]]:
    """Return whole rows of these tables, side by side, as Django reads them.

    `rest` is the query after their columns. Further values it selects come after them, as the
    driver returns them.
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
    """Return its columns, their names, and the readers of those that need one."""
    meta = table._meta  # noqa: SLF001 (Django documents it)
    fields = meta.concrete_fields
    columns = ", ".join(f"{meta.db_table}.{field.column}" for field in fields)
    kinds = [_end_of(field).get_internal_type() for field in fields]
    readers = [(n, KEPT_OTHERWISE[kind]) for n, kind in enumerate(kinds) if kind in KEPT_OTHERWISE]
    return columns, [field.attname for field in fields], readers


def _end_of(field: Any) -> Any:
    """Return the field that a foreign key finally refers to."""
    while field.is_relation:
        field = field.target_field
    return field


def parts_of(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield the rows in parts that fit one statement."""
    return (rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE))


def save_columns(row: models.Model, names: Sequence[str]) -> None:
    """Do what `row.save(update_fields=names)` does for a plain row of one table."""
    statement, names = _update(type(row), tuple(names))
    cursor = kept_cursor()
    cursor.execute(statement, [adapted(getattr(row, name)) for name in names])
    if cursor.rowcount == 0:
        raise DatabaseError(f"{type(row).__name__} {row.pk} is gone.")


def insert_row(row: models.Model, *, also: tuple[str, Sequence[Cell]] = ("", ())) -> None:
    """Do what `row.save(force_insert=True)` does for a plain row of one table.

    `also` is an UPDATE with its cells, sent to a server in the same statement.
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

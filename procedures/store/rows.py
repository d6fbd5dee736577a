"""Rows of models, read and written without the ORM.

For each query, the ORM makes a thousand calls in Python. The functions here do little more than
execute the SQL.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models
from django.db.backends.utils import CursorWrapper

from procedures.store.cursors import kept_cursor
from procedures.store.prepared import Cells

AT_ONCE = 1000
"""The maximum number of rows that are read or written together."""
KEPT_OTHERWISE = {
    "BooleanField": "convert_booleanfield_value",
    "DateTimeField": "convert_datetimefield_value",
    "UUIDField": "convert_uuidfield_value",
}
"""Names of Django's converters for values of types that SQLite lacks, by the type of field."""
AS_THEY_ARE = frozenset({str, int, bool, type(None)})
"""The types of parameters that every database accepts unchanged; most parameters have them."""
BoundStatement = tuple[str, Sequence[Any]]
"""An SQL statement, with its parameters in the form that the driver takes."""


def adapted(value: Cells) -> Any:
    """Return a parameter in the form in which Django passes it to this database.

    For SQLite, a list becomes JSON.
    """
    # Compare classes instead of calling `isinstance`, because most values return here. Instances of
    # subclasses, such as an enum's string, are handled below.
    if value.__class__ in AS_THEY_ARE:
        return value
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value) or ""
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    if isinstance(value, list) and connection.vendor == "sqlite":
        return json.dumps([adapted(one) for one in value])
    return value


def rows_in(cells: Sequence[Any], tables: tuple[type[models.Model], ...]) -> Iterator[Any]:
    """Yield a model instance for each of the tables, and then each remaining cell of the row.

    `cells` holds the columns of each table, in the order of `columns_of`, and then other values.
    """
    for table in tables:
        names, readers = _reading(table)
        own, cells = list(cells[: len(names)]), cells[len(names) :]
        if connection.vendor == "sqlite":
            # PostgreSQL's driver returns these types itself, so Django's converters would be a
            # waste of time there.
            for place, reader in readers:
                own[place] = getattr(connection.ops, reader)(own[place], None, connection)
        yield table.from_db(DEFAULT_DB_ALIAS, names, own)
    yield from cells


@cache
def columns_of(table: type[models.Model]) -> str:
    """Return the columns of a model's table as SQL: "runs.id, runs.status" for the table runs."""
    meta = table._meta  # noqa: SLF001 (Django documents it)
    return ", ".join(f"{meta.db_table}.{field.column}" for field in meta.concrete_fields)


@cache
def _reading(table: type[models.Model]) -> tuple[list[str], list[tuple[int, str]]]:
    """Return the names of a model's columns, and the converters for some of them.

    Each converter comes with the position of its column.
    """
    fields = table._meta.concrete_fields  # noqa: SLF001 (Django documents it)
    kinds = [_end_of(field).get_internal_type() for field in fields]
    readers = [(n, KEPT_OTHERWISE[kind]) for n, kind in enumerate(kinds) if kind in KEPT_OTHERWISE]
    return [field.attname for field in fields], readers


def _end_of(field: Any) -> Any:
    """Return the field to which a foreign key refers, or the field itself if it is no foreign key.

    If the foreign key refers to another foreign key, the last field of this chain is returned.
    """
    # The type of a foreign key differs from that of its column: a run's key, for example, is a
    # UUID, which SQLite stores as text.
    while field.is_relation:
        field = field.target_field
    return field


def save_columns(row: models.Model, names: Sequence[str], *, also: str = "") -> None:
    """Update columns of a row, as `row.save(update_fields=names)` does.

    The model must have only one table. `also` is a further SQL assignment, whose value the database
    computes.
    """
    cursor = kept_cursor()
    cursor.execute(*update_of(row, names, also=also))
    if cursor.rowcount == 0:
        raise DatabaseError(f"{type(row).__name__} {row.pk} no longer exists.")


def update_of(row: models.Model, names: Sequence[str], *, also: str = "") -> BoundStatement:
    """Return the UPDATE that `save_columns` executes, with its parameters."""
    statement, names = _update(type(row), tuple(names), also)
    return statement, [adapted(getattr(row, name)) for name in names]


def execute_together(*parts: BoundStatement) -> CursorWrapper:
    """Execute SQL statements that change different rows.

    Returns a cursor with the rows of the last statement. PostgreSQL executes all of them as one
    statement, which saves round trips to the server. No statement sees what another one changes.
    """
    cursor = kept_cursor()
    if connection.vendor == "postgresql" and len(parts) > 1:
        cursor.execute(*together(*parts))
        return cursor
    for text, cells in parts:
        cursor.execute(text, cells)
    return cursor


def together(*parts: BoundStatement) -> BoundStatement:
    """Return these SQL statements as one for PostgreSQL; it selects the rows of the last one."""
    cells = [*chain.from_iterable(cells for _, cells in parts)]
    return _as_one(tuple(text for text, _ in parts)), cells


@lru_cache(maxsize=256)
def _as_one(parts: tuple[str, ...]) -> str:
    *first, last = parts
    return f"WITH {', '.join(f'part_{n} AS ({text})' for n, text in enumerate(first))} {last}"


def insert_row(row: models.Model, *, also: Sequence[BoundStatement] = ()) -> None:
    """Insert the row as `row.save(force_insert=True)` does, for a model with one table.

    `also` holds further SQL statements with their parameters, which PostgreSQL executes in the same
    query. Each field is stored with the value that it has: none of our models has a field like
    `auto_now`, which changes when the row is saved.
    """
    insert_rows([row], also=also)


def insert_rows(rows: Sequence[models.Model], *, also: Sequence[BoundStatement] = ()) -> None:
    """Execute the SQL statements in `also`, then insert rows of different tables in their order.

    PostgreSQL executes everything as one statement, which saves round trips to the server.
    """
    if not rows:
        execute_together(*also)
        return
    insertions, cells = list[str](), list[list[Any]]()
    for row in rows:
        # A column that isn't named is stored as NULL. The driver converts the placeholders of a
        # statement with more than 50 parameters anew each time.
        found = [(name, getattr(row, name)) for name in _stored(type(row))]
        kept = [pair for pair in found if pair[1] is not None]
        insertions.append(_insertion(type(row), tuple([name for name, _ in kept])))
        cells.append([cell if cell.__class__ in AS_THEY_ARE else adapted(cell) for _, cell in kept])
    if connection.vendor == "postgresql":
        first = tuple(text for text, _ in also)
        others = (more for _, more in also)
        keys = _insert_together(first, tuple(insertions), [*chain(*others, *cells)])
    else:
        # SQLite has no INSERT inside WITH, and another statement costs very little there.
        execute_together(*also)
        keys = _insert_in_turn(insertions, cells)
    for row, key in zip(rows, keys, strict=True):
        if row.pk is None:
            row.pk = key
        # Otherwise the ORM would regard the row as new, and a later `save` would insert it again.
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 (documented)


def _insert_together(first: tuple[str, ...], insertions: tuple[str, ...], cells: list[Any]) -> Any:
    cursor = kept_cursor()
    cursor.execute(_together(first, insertions), cells)
    return cursor.fetchone()


def _insert_in_turn(insertions: Sequence[str], cells: list[Any]) -> list[Any]:
    cursor, keys = kept_cursor(), list[Any]()
    for text, own in zip(insertions, cells, strict=True):
        cursor.execute(text, own)
        keys += cursor.fetchone()
    return keys


@lru_cache(maxsize=256)
def _together(first: tuple[str, ...], insertions: tuple[str, ...]) -> str:
    """Return one SQL statement that executes all these statements.

    It selects the primary keys of the inserted rows.
    """
    if not first and len(insertions) == 1:
        return insertions[0]
    named = [f"row_{number} AS ({text})" for number, text in enumerate(insertions)]
    named[:0] = [f"also_{number} AS ({text})" for number, text in enumerate(first)]
    keys = ", ".join(f"(SELECT * FROM row_{number})" for number in range(len(insertions)))  # noqa: S608 (our own)
    return f"WITH {', '.join(named)} SELECT {keys}"


@lru_cache(maxsize=512)
def _insertion(model: type[models.Model], names: tuple[str, ...]) -> str:
    """Return the INSERT of a row of the model, with the fields that it stores.

    The INSERT returns the primary key of the row.
    """
    meta = model._meta  # noqa: SLF001 (Django documents it)
    columns = ", ".join(_stored(model)[name] for name in names)
    places = ", ".join(["%s"] * len(names))
    return (
        f"INSERT INTO {meta.db_table} ({columns}) VALUES ({places})"  # noqa: S608
        f" RETURNING {meta.pk.column}"
    )


@cache
def _stored(model: type[models.Model]) -> dict[str, str]:
    """Return the columns of a model's fields, by field name, without automatic primary keys."""
    fields = model._meta.concrete_fields  # noqa: SLF001 (Django documents it)
    return {f.attname: f.column for f in fields if not isinstance(f, models.AutoField)}


@cache
def _update(model: type[models.Model], names: tuple[str, ...], also: str) -> tuple[str, list[str]]:
    meta = model._meta  # noqa: SLF001 (Django documents it)
    named = {field.name: field for field in meta.concrete_fields}
    fields = [named[name] for name in names]
    columns = ", ".join([*(f"{field.column} = %s" for field in fields), *filter(None, [also])])
    statement = f"UPDATE {meta.db_table} SET {columns} WHERE {meta.pk.column} = %s"  # noqa: S608
    return statement, [field.attname for field in (*fields, meta.pk)]

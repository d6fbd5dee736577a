"""SQL statements by name, read from the .sql files of a package.

`both.sql` holds the statements that are the same for every database; `postgresql.sql` and
`sqlite.sql` hold the others. The line "-- name: claim_next" begins a statement. The line "-- part:
now" begins a piece of SQL that statements include as {now}. The comments below such a line say what
the statement guarantees, and which rows it locks. {run} stands for the table of the model `Run`,
and {run.*} for the columns of this table, so that the files don't contain the names of tables.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models

from procedures.store.cursors import begin_with, kept_cursor, this_database
from procedures.store.prepared import Cell, Cells
from procedures.store.rows import BoundStatement, adapted, columns_of, rows_in

BEGINS = re.compile(r"-- (name|part): ([a-z_]+)")
PLACE = re.compile(r"\{([a-z_]+)(\.\*)?\}")


class Statement:
    """An SQL statement with a name; its text and tables are determined at the first use."""

    def __init__(self, name: str, known: "Statements") -> None:
        self.name, self._known = name, known

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @cached_property
    def text(self) -> str:
        """The statement for this database, on one line, with %s for each parameter."""
        return self._known.written(self.name)

    @cached_property
    def tables(self) -> tuple[type[models.Model], ...]:
        """The models for which the statement selects all columns.

        These columns are the first ones in the rows of the statement.
        """
        return self._known.tables_of(self.name)

    def bound(self, *cells: Cells) -> BoundStatement:
        """Return the statement with these parameters, for `execute_together`."""
        return self.text, [adapted(cell) for cell in cells]

    def fetch(self, *cells: Cells) -> list[tuple[Any, ...]]:
        """Execute the statement and return the selected rows as the driver returns them."""
        cursor = kept_cursor()
        cursor.execute(self.text, [adapted(cell) for cell in cells])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def is_true(self, *cells: Cell) -> bool:
        """Return True if the statement selects any row."""
        return bool(self.fetch(*cells))

    def rows(self, *cells: Cells) -> list[tuple[Any, ...]]:
        """Execute the statement and return the selected rows.

        A row holds a model instance for each of the models in `tables`, and then the other selected
        values, in the form in which the driver returns them.
        """
        tables = self.tables
        return [tuple(rows_in(found, tables)) for found in self.fetch(*cells)]

    def rows_at_begin(self, *cells: Cells) -> list[tuple[Any, ...]]:
        """Return what `rows` returns, for the first statement of a transaction.

        PostgreSQL gets the statement together with the BEGIN of the transaction, which saves a
        round trip.
        """
        found = begin_with(self.text, [adapted(cell) for cell in cells])
        if found is None:
            return self.rows(*cells)
        tables = self.tables
        return [tuple(rows_in(row, tables)) for row in found]

    def execute(self, *cells: Cells) -> int:
        """Execute the statement and return the number of changed rows."""
        cursor = kept_cursor()
        cursor.execute(self.text, [adapted(cell) for cell in cells])
        return int(cursor.rowcount)


class Statements:
    """The SQL statements of a package as attributes; an unknown name raises `AttributeError`."""

    def __init__(
        self,
        folder: Path,
        tables: Mapping[str, str],
        parts: Mapping[str, Callable[[], str]] | None = None,
    ) -> None:
        """Use the statements in the .sql files of the folder.

        `tables` maps names in the statements, such as "run", to labels of models ("app.Model").
        `parts` maps the names of pieces of SQL that depend on the site to functions that return the
        SQL.
        """
        self.folder, self._labels, self._parts = folder, tables, parts or {}

    def __getattr__(self, name: str) -> Statement:
        if name not in self.names:
            raise AttributeError(f"{self.folder} has no statement {name}.")
        # Store it as a plain attribute, so that later uses don't call `__getattr__`, because each
        # step needs a statement.
        statement = self.__dict__[name] = Statement(name, self)
        return statement

    @cached_property
    def names(self) -> list[str]:
        """The names of all statements for the database that the site uses."""
        return [name for name, (kind, _) in self._blocks.items() if kind == "name"]

    def written(self, name: str) -> str:
        """Return the SQL of a statement, with its parts, tables and columns filled in."""
        return PLACE.sub(self._place, self._blocks[name][1])

    def tables_of(self, name: str) -> tuple[type[models.Model], ...]:
        """Return the models for which a statement, or a part in it, selects all columns."""
        return tuple(self._tables_in(self._blocks[name][1]))

    def _place(self, found: re.Match[str]) -> str:
        name, is_columns = found[1], found[2] is not None
        if name in self._parts:
            return self._parts[name]()
        if name in self._labels:
            model = self._model(name)
            return columns_of(model) if is_columns else model._meta.db_table  # noqa: SLF001
        return self.written(name)

    def _tables_in(self, text: str) -> Iterator[type[models.Model]]:
        for name, columns in PLACE.findall(text):
            if columns:
                yield self._model(name)
            elif name not in self._labels and name not in self._parts:
                yield from self._tables_in(self._blocks[name][1])

    def _model(self, name: str) -> type[models.Model]:
        return apps.get_model(self._labels[name])

    @cached_property
    def _blocks(self) -> dict[str, tuple[str, str]]:
        """The kind ("name" or "part") and the SQL of each statement and part, by its name."""
        blocks: dict[str, tuple[str, str]] = {}
        # The later file wins, so that a database can replace a statement that all others share.
        for file in ("both", this_database().vendor):
            path = self.folder / f"{file}.sql"
            if path.exists():
                blocks |= dict(_blocks_in(path.read_text()))
        return blocks


@lru_cache(maxsize=256)
def with_rows(text: str, count: int) -> str:
    """Return an INSERT of one row, extended to `count` rows.

    On SQLite, an INSERT that reads the rows from JSON would take four times as long.
    """
    start, values, row = text.rpartition(" VALUES ")
    return f"{start}{values}{', '.join([row] * count)}"


def _blocks_in(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    _, *rest = BEGINS.split(text)
    for kind, name, block in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        lines = [line.strip() for line in block.splitlines()]
        statement = " ".join(line for line in lines if line and not line.startswith("--"))
        yield name, (kind, statement)

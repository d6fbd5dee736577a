"""Queries of the ORM that are compiled only once, because many requests make them."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]

from procedures.among import array_of
from procedures.store.cursors import kept_cursor
from procedures.store.rows import adapted

M = TypeVar("M", bound=models.Model)
PLACE = "\N{PLACE OF INTEREST SIGN}"
"""The text that stands for the string to be found while a query is compiled."""


class CompiledQuery(Generic[M]):
    """A query that finds one row by a string, and loads related rows with it.

    The ORM compiles the query to SQL once, and not for each string, because compiling takes most of
    the time of such a query.
    """

    def __init__(self, make: Callable[[str], "models.QuerySet[M]"]) -> None:
        """Store `make`, which takes a string and returns the ORM's query for the string."""
        self._make = make

    def get(self, text: str) -> M | None:
        """Return the row that the query finds for the string, or None."""
        made = self._made
        cursor = kept_cursor()
        cursor.execute(made.statement, [text if one == PLACE else one for one in made.cells])
        # Do what the ORM's ModelIterable does with rows. Its compiler isn't documented, so a test
        # compares the results with the ORM's.
        for row in made.compiler.results_iter([cursor.fetchall()]):
            found: M = made.model.from_db(DEFAULT_DB_ALIAS, made.names, row[: len(made.names)])
            for populator in made.populators:
                populator.populate(row, found)
            return found
        return None

    @cached_property
    def _made(self) -> "_Made":
        compiler: Any = self._make(PLACE).query.get_compiler(DEFAULT_DB_ALIAS)
        statement, cells = compiler.as_sql()
        select, info = compiler.select, compiler.klass_info
        names = [select[place][0].target.attname for place in info["select_fields"]]
        populators = get_related_populators(info, select, DEFAULT_DB_ALIAS)
        return _Made(statement, cells, compiler, info["model"], names, populators)


class _Made(NamedTuple):
    statement: str
    cells: tuple[Any, ...]
    compiler: Any
    model: Any
    names: list[str]
    populators: list[Any]


class Place(models.Expression):
    """A value in a compiled query that is different each time, such as the current time.

    In `is_among`, it stands for all values together, which are given as a list.
    """

    def __init__(self, name: str, field: "models.Field[Any, Any] | None" = None) -> None:
        """Create the place of the value called `name`; `field` is its type, if Django needs one."""
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: Any) -> tuple[str, list[Any]]:
        return "%s", [self]

    def cell(self, values: Mapping[str, Any]) -> Any:
        """Return the parameter that the database receives for this place."""
        value = values[self.name]
        if isinstance(value, list) and connection.vendor == "postgresql":
            return array_of(value)
        return adapted(value)


class CompiledRows:
    """A query for tuples of values that the ORM compiles only once.

    The SQL of the query must not depend on the values in its places.
    """

    def __init__(self, make: "Callable[[], models.QuerySet[Any, Any]]") -> None:
        """Store `make`, which returns the ORM's query with a `Place` for each changing value."""
        self._make = make

    def fetch(self, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of the query; `values` maps the names of its places to their values."""
        compiler, statement, cells = self._made
        found = [one.cell(values) if isinstance(one, Place) else one for one in cells]
        # Don't use a kept cursor, which prepares its statements, because the plan depends on the
        # values.
        with connection.cursor() as cursor:
            cursor.execute(statement, found)
            rows = cursor.fetchall()
        # Like CompiledQuery, a test compares this with the ORM.
        return [tuple(row) for row in compiler.results_iter([rows], tuple_expected=True)]

    @cached_property
    def _made(self) -> tuple[Any, str, tuple[Any, ...]]:
        compiler: Any = self._make().query.get_compiler(DEFAULT_DB_ALIAS)
        statement, cells = compiler.as_sql()
        return compiler, statement, tuple(cells)

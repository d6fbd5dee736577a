"""Queries of the ORM that are compiled only once, because many requests make them."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]

from procedures.store.cursors import kept_cursor

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

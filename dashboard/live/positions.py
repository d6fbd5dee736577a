"""Positions in append-only tables, each of which says what had been committed when it was read.

A row gets its key before its commit. So on PostgreSQL, a new row may become visible although its
key is below the highest visible one. Therefore a position also has the number of the newest rows.
If more rows are found later between the first and the last key of the position, some of them were
committed after the position was read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, Self

from django.db import connection
from django.db.models import QuerySet

from chat.models import RequestEvent, SessionEvent
from procedures.models import Event, RunInput
from procedures.models.clock import clock

NEWEST = 500
"""The number of newest rows that a position counts.

A row that becomes visible later is noticed if its key is above the lowest key of these rows.
"""
MOST_READ = 5000
"""The maximum number of rows that are read to find what is newer than the marks of pages.

A page whose mark is older than these rows has to read its lists again.
"""
CHANGES = SessionEvent.objects.exclude(whom="")
TABLES: Mapping[str, QuerySet[Any]] = {
    "changes": CHANGES,
    "events": Event.objects.all(),
    "inputs": RunInput.objects.all(),
    "answers": RequestEvent.objects.all(),
}


@dataclass(frozen=True, slots=True)
class Position:
    """The newest rows of an append-only table: their first key, their last key and their number."""

    first: int
    last: int
    count: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}-{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(*map(int, text.split("-")))

    @classmethod
    def of_newest(cls, first: int | None, last: int | None, count: int) -> Self:
        """Return the position of a table whose newest rows have these keys and this number.

        `count` is at most `NEWEST`. If it is less, these are all rows of the table.
        """
        return cls(first or 0 if count == NEWEST else 0, last or 0, count)


class Positions(NamedTuple):
    """The positions of tables, and the database's time at which they were read.

    The tables have the names that they have in `TABLES`.
    """

    at: datetime
    by_table: Mapping[str, Position]

    @classmethod
    def read(cls, *tables: str) -> Self:
        """Read the positions of the tables with these names, with one query."""
        # The time at which the statement arrived: whatever it is compared with is then later than
        # the mark, because the statement sees all that was committed before.
        is_postgres = connection.vendor == "postgresql"
        at, time = (None, "statement_timestamp()") if is_postgres else (clock.now(), "NULL")
        parts = [_newest(table, connection.vendor) for table in tables]
        texts = [
            f"SELECT {place} AS place, {time}, min(id), max(id), count(*) FROM ({text}) AS newest"  # noqa: S608
            for place, (text, _) in enumerate(parts)
        ]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(texts), [*chain(*(cells for _, cells in parts))])
            rows = cursor.fetchall()
        found = {tables[place]: Position.of_newest(*newest) for place, _, *newest in rows}
        return cls(at or rows[0][1] + clock.ahead, found)


@cache
def _newest(table: str, _vendor: str) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL query of the keys of a table's newest rows, which is compiled only once."""
    newest = TABLES[table].order_by("-id").values("id")[:NEWEST]
    text, cells = newest.query.sql_with_params()
    return text, tuple(cells)


class RowsSince:
    """The values of one field in all rows that may be newer than the earliest of some positions."""

    def __init__(self, rows: QuerySet[Any], field: str, positions: Iterable[Position]) -> None:
        lowest = min(position.first for position in positions)
        newest = rows.filter(pk__gte=lowest).order_by("-pk").values_list("pk", field)[:MOST_READ]
        found = list(newest)[::-1]
        self._keys, self._values = [key for key, _ in found], [value for _, value in found]
        self._is_cut = len(found) == MOST_READ

    def after(self, position: Position) -> set[Any] | None:
        """Return the values of the rows that may be newer than a position; None for too many rows.

        If the number of rows between the position's first and last keys has grown, new rows are
        among them. Nobody knows which rows are the new ones, so the values of all these rows are
        returned, too.
        """
        begin = bisect_left(self._keys, position.first)
        if self._is_cut and begin == 0:
            return None
        end = bisect_right(self._keys, position.last)
        return set(self._values[end if end - begin == position.count else begin :])

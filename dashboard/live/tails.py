"""The new rows of append-only tables, for a process that reads them once a second."""

import time
from collections import deque
from typing import Any

from django.db.models import QuerySet

BEFORE = 500
"""The number of keys below the highest one that may belong to open transactions."""


class Tail:
    """A reader that returns each row of a table once, soon after its commit.

    A row gets its key before its commit, so it may appear after a row with a higher key. Each call
    therefore also looks at the keys of the last seconds again.
    """

    def __init__(self, rows: QuerySet[Any], *fields: str, lag: float) -> None:
        """Watch fields of the rows; `lag` is the maximum seconds from a row's key to its commit."""
        self._rows = rows.order_by("pk").values_list("pk", *fields)
        self._lag = lag
        self.reads_after: int | None = None
        """The key after which the next call reads, or None before the first call."""
        self._seen: set[int] = set()
        self._reached: deque[tuple[float, int]] = deque()
        """The highest key that each recent call has found, with the time of the call."""

    def read(self) -> set[Any]:
        """Return the new rows' values of the field, or tuples of their values if there are several.

        The first call returns an empty set.
        """
        if self.reads_after is None:
            self._begin()
            return set()
        found = self._after(self.reads_after)
        new = found.keys() - self._seen
        self._note(found.keys() | {self.reads_after})
        return {found[pk] for pk in new}

    def _begin(self) -> None:
        newest = self._rows.order_by("-pk").first()
        self.reads_after = max(newest[0] - BEFORE, 0) if newest else 0
        self._note(self._after(self.reads_after).keys() | {self.reads_after})

    def _after(self, key: int) -> dict[int, Any]:
        rows: QuerySet[Any, Any] = self._rows.filter(pk__gt=key)
        return {pk: tuple(held) if len(held) > 1 else held[0] for pk, *held in rows}

    def _note(self, keys: set[int]) -> None:
        now, floor = time.monotonic(), self.reads_after or 0
        self._reached.append((now, max(keys)))
        while self._reached[0][0] < now - self._lag:
            floor = self._reached.popleft()[1]
        self.reads_after, self._seen = floor, {key for key in keys if key > floor}

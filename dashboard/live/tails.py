"""The new rows of append-only tables, for a process that looks for them about once a second."""

import time
from collections import deque
from typing import Any

from django.db.models import QuerySet

BEFORE = 500
"""The number of keys below the highest one that the first call looks at.

Rows with these keys may belong to transactions that haven't been committed yet.
"""


class Tail:
    """A reader that returns each row of a table once, soon after the row was committed.

    A row gets its key before its commit, so it may become visible after a row with a higher key.
    Each call therefore reads again all rows whose keys are above the highest key of some seconds
    ago.
    """

    def __init__(self, rows: QuerySet[Any], *fields: str, lag: float) -> None:
        """Watch these fields of the rows.

        `lag` is the maximum number of seconds between the time at which a row gets its key and its
        commit.
        """
        self._rows = rows.order_by("pk").values_list("pk", *fields)
        self._lag = lag
        self.reads_after: int | None = None
        """The key above which the next call reads all rows. None before the first call."""
        self._seen: set[int] = set()
        self._reached: deque[tuple[float, int]] = deque()
        """The highest key that each recent call has found, with the time of that call."""

    def read(self) -> set[Any]:
        """Return the watched field's values in all new rows; tuples if several fields are watched.

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

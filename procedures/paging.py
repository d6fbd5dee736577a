"""Paging by key: each page contains the key after which the next page begins."""

from itertools import accumulate, takewhile
from typing import Annotated, Any, TypedDict, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.db.models.functions import Length
from ninja import Query

from procedures.run_lists import RunList

PAGE = 50
LARGEST_PAGE = 500
HEAVIEST_PAGE = 4_000_000
"""The maximum number of characters of large columns on a page. Large rows make a page shorter."""
Limit = Annotated[int, Query(description=f"The number of items, at most {LARGEST_PAGE}.")]
T = TypeVar("T", bound=Model)


class Page(TypedDict):
    """A page of rows. `next` is the `after` of the next page, or None on the last page."""

    items: list[Any]
    next: Any


def light(rows: QuerySet[Any], column: str, *, limit: int) -> int:
    """Return how many rows fit on a page, counted from the first row: from one to `limit`.

    The query reads only the lengths of `column`.
    """
    lengths = rows.annotate(length=Length(column)).values_list("length", flat=True)
    heavy = accumulate(lengths[: max(1, min(limit, LARGEST_PAGE))])
    return max(sum(1 for _ in takewhile(lambda weight: weight <= HEAVIEST_PAGE, heavy)), 1)


def page_size(limit: int) -> int:
    """Return the number of items on a page: `limit`, but at least 1 and at most `LARGEST_PAGE`."""
    return max(1, min(limit, LARGEST_PAGE))


def page(rows: QuerySet[T], *, by: str, after: Any = None, limit: int = PAGE) -> Page:
    """Return a page of the rows that come after the key `after`, ordered by the field `by`.

    With `by="-id"`, the newest rows are first.
    """
    field = by.removeprefix("-")
    if after is not None:
        rows = rows.filter(**{f"{field}__{'lt' if by != field else 'gt'}": after})
    limit = page_size(limit)
    # One more row tells whether there is a next page, without a count.
    found = list(rows.order_by(by)[: limit + 1])
    more = len(found) > limit
    return {"items": found[:limit], "next": getattr(found[limit - 1], field) if more else None}


def page_of_runs(runs: RunList, *, after: UUID | None = None, limit: int = PAGE) -> Page:
    """Return a page of a list of runs, newest first, with the fields that lists show."""
    limit = max(1, min(limit, LARGEST_PAGE))
    found = runs.newest(limit + 1, after=after)
    shown = found[:limit]
    return {
        "items": list(runs.load(shown).for_lists()),
        "next": shown[-1] if len(found) > limit else None,
    }

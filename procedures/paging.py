"""Paging by key: each page names where the next one begins."""

from itertools import accumulate, takewhile
from typing import Annotated, Any, TypedDict, TypeVar

from django.db.models import Model, QuerySet
from django.db.models.functions import Length
from ninja import Query

PAGE = 50
LARGEST_PAGE = 500
HEAVIEST_PAGE = 4_000_000
"""Characters of possibly large columns on a page; heavier rows make it shorter."""
Limit = Annotated[int, Query(description=f"The number of items, at most {LARGEST_PAGE}.")]
T = TypeVar("T", bound=Model)


class Page(TypedDict):
    """Some rows, and the `after` of the next page, which is None on the last one."""

    items: list[Any]
    next: Any


def light(rows: QuerySet[Any], column: str, *, limit: int) -> int:
    """Return how many of the first rows fit a page by weight, at least one and at most `limit`.

    Only their lengths are read.
    """
    lengths = rows.annotate(length=Length(column)).values_list("length", flat=True)
    heavy = accumulate(lengths[: max(1, min(limit, LARGEST_PAGE))])
    return max(sum(1 for _ in takewhile(lambda weight: weight <= HEAVIEST_PAGE, heavy)), 1)


def page(rows: QuerySet[T], *, by: str, after: Any = None, limit: int = PAGE) -> Page:
    """Return the rows that follow `after`, ordered by that one field; "-id" is newest first."""
    field = by.removeprefix("-")
    if after is not None:
        rows = rows.filter(**{f"{field}__{'lt' if by != field else 'gt'}": after})
    limit = max(1, min(limit, LARGEST_PAGE))
    # One row more tells if there is a next page, without counting.
    found = list(rows.order_by(by)[: limit + 1])
    more = len(found) > limit
    return {"items": found[:limit], "next": getattr(found[limit - 1], field) if more else None}

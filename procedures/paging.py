"""Lists page by key: each page names where the next one begins."""

from typing import Annotated, Any, TypedDict, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query

PAGE = 50
LARGEST_PAGE = 500
Limit = Annotated[int, Query(description=f"How many, at most {LARGEST_PAGE}.")]
T = TypeVar("T", bound=Model)


class Page(TypedDict):
    """Some rows, and the `after` of the next page; None on the last one."""

    items: list[Any]
    next: Any


def page(rows: QuerySet[T], *, by: str, after: Any = None, limit: int = PAGE) -> Page:
    """The rows that follow `after`, ordered by that one field; "-id" is newest first."""
    field = by.removeprefix("-")
    if after is not None:
        rows = rows.filter(**{f"{field}__{'lt' if by != field else 'gt'}": after})
    limit = max(1, min(limit, LARGEST_PAGE))
    found = list(rows.order_by(by)[: limit + 1])
    more = len(found) > limit
    return {"items": found[:limit], "next": getattr(found[limit - 1], field) if more else None}

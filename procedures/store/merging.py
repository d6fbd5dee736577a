"""Lists merged from several queries, each of which follows an index of its own."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, repeat
from math import inf
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

T = TypeVar("T")
GLANCE, HANDFUL = 64, 128
"""The number of rows that are tested for a user in the first batch, and in each later batch.

The test finds the rows that the user may see. For a larger batch, PostgreSQL would first look up
everything that the user may see, instead of testing row by row.
"""
MOST_IN_UNION = 100
"""The maximum number of queries in one UNION; SQLite takes 500."""


def merged(queries: Iterable[QuerySet[Any, Any]], *, order: str, limit: int) -> list[Any]:
    """Return the first rows of all these queries together, without duplicates, by one query.

    The queries select the same columns, and each may have its own order and limit. `order` gives
    the columns by their positions: "2, 1 DESC" sorts by the second column, and then by the first
    column in descending order. On SQLite, an id may be returned as text.
    """
    whole = merging(queries, order=order, limit=limit)
    if whole is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(*whole)
        rows: list[Any] = cursor.fetchall()
    return rows


def merging(
    queries: Iterable[QuerySet[Any, Any]], *, order: str, limit: int
) -> tuple[str, list[Any]] | None:
    """Return the SQL that `merged` executes, with its parameters.

    Returns None if no row can match.
    """
    parts, cells = list[str](), list[Any]()
    for query in queries:
        try:
            text, more = query.query.sql_with_params()
        except EmptyResultSet:  # no row can match, for example if no keys are given
            continue
        # Wrap each query in another one, because SQLite allows no LIMIT in the parts of a UNION.
        parts.append(f"SELECT * FROM ({text}) AS part")  # noqa: S608 (written by the ORM)
        cells += more
    if not parts:
        return None
    merged_parts = f"SELECT * FROM ({union_of(parts)}) AS merged"  # noqa: S608
    return f"{merged_parts} ORDER BY {order} LIMIT {limit}", cells


def of_id(found: Any) -> UUID:
    """Return an id from the row of a query as a UUID; SQLite returns such an id as text."""
    return found if isinstance(found, UUID) else UUID(found)


def union_of(queries: Sequence[str]) -> str:
    """Return the UNION of queries with the same columns.

    Many queries are put into nested groups.
    """
    while len(queries) > MOST_IN_UNION:
        starts = range(0, len(queries), MOST_IN_UNION)
        groups = (" UNION ".join(queries[start : start + MOST_IN_UNION]) for start in starts)
        queries = [f"SELECT * FROM ({group}) AS part" for group in groups]  # noqa: S608
    return " UNION ".join(queries)


def first_seen(
    following: Callable[[T | None, int], Sequence[T]],
    seen: Callable[[Sequence[T]], Collection[T]],
    most: int,
    *,
    within: float = inf,
    batches: Iterable[int] = (),
) -> tuple[list[T], bool]:
    """Return the first `most` rows of a list that somebody may see, and True if none are missing.

    `following(last, count)` returns the next `count` rows of the list after `last`. `seen(rows)`
    returns those of the rows that the person may see. `batches` holds the sizes of the batches in
    which rows are tested; by default, these are `GLANCE` and then always `HANDFUL`. The search
    stops when about `within` rows were tested; if fewer than `most` rows were found, others may be
    missing, and the flag is False. For somebody who may see many rows, testing the first few is
    enough.
    """
    found, last, left = list[T](), None, within
    for count in batches or chain([GLANCE], repeat(HANDFUL)):
        rows = following(last, count)
        visible = seen(rows) if rows else ()
        found += [row for row in rows if row in visible]
        if len(found) >= most or len(rows) < count:
            return found[:most], True
        last, left = rows[-1], left - count
        if left <= 0:
            break
    return found, False

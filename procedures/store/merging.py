"""Lists merged from several queries, each of which follows an index of its own."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def merged(queries: Iterable[QuerySet[Any, Any]], *, order: str, limit: int) -> list[Any]:
    """Return the first rows of any of the queries, each once, by one statement.

    The queries select the same columns and may be ordered and limited themselves. `order` names the
    columns by their numbers, for example "2, 1 DESC"; an id may be a text on SQLite.
    """
    parts, cells = list[str](), list[Any]()
    for query in queries:
        try:
            text, more = query.query.sql_with_params()
        except EmptyResultSet:  # nothing can match, for example none of no keys
            continue
        # A query in a query, since SQLite takes no LIMIT in the parts of a UNION.
        parts.append(f"SELECT * FROM ({text}) AS part")  # noqa: S608 (written by the ORM)
        cells += more
    if not parts:
        return []
    whole = f"SELECT * FROM ({' UNION '.join(parts)}) AS merged ORDER BY {order} LIMIT {limit}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(whole, cells)
        rows: list[Any] = cursor.fetchall()
    return rows

"""The plans by which PostgreSQL reads what a page asks for."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import connection

from tests.pages import browser, queries_of

Node = dict[str, Any]
T = TypeVar("T")


def nodes_of_page(user: User, path: str) -> list[Node]:
    """The nodes of the plans of all statements of a page, which are executed once more."""
    selects = [sql for sql in queries_of(browser(user), path) if sql.startswith(("SELECT", "WITH"))]
    assert selects
    return [node for sql in selects for node in nodes_of(sql)]


def nodes_of(sql: str, cells: Any = None) -> Iterator[Node]:
    """The nodes of the plan of a statement, which is executed with these values."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", cells)
        [(plan,)] = cursor.fetchall()
    found = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]]
    while found:
        node = found.pop()
        found += node.get("Plans", [])
        yield node


def rows_read(nodes: list[Node]) -> int:
    """The rows that the nodes read, and those that they passed over."""
    return sum(rows for node in nodes for rows in read_by(node))


def read_by(node: Node) -> Iterator[int]:
    if "Scan" not in node["Node Type"]:
        return
    for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"):
        yield round(node.get(name, 0) * node["Actual Loops"])


def grown(few: Mapping[T, int], many: Mapping[T, int]) -> dict[T, int]:
    """Return the pages that read clearly more rows among many than among few."""
    return {page: read for page, read in many.items() if read > 1.3 * few[page] + 50}

"""Values on their way between Lua and Python: plain JSON on this side, tables on the other."""

import math
from collections.abc import Callable
from typing import Any, Protocol

DEEPEST = 100
"""The deepest nesting of tables that can leave Lua; a table that contains itself is deeper."""
LARGEST_WHOLE = 2**53
"""The whole numbers up to this one are exact as floats, too."""


class Tables(Protocol):
    """The part of a Lua runtime that makes and tells tables."""

    kind_of: Callable[[Any], str | None]
    """Return the Lua type of an object that stands for a Lua value, or None for a Python value."""
    table: Callable[[], Any]
    empty_array: Callable[[], Any]
    is_array: Callable[[Any], bool]


def plain(value: Any, tables: Tables, depth: int = 0) -> Any:
    """Return a Lua value as plain JSON: a list for a table with the keys 1 to n, else a dict.

    The keys of a dict are sorted, and are texts. An empty table is a dict, unless it was a list
    when it came from here. Raises `ValueError` for functions and other values without JSON.
    """
    if isinstance(value, float):
        return _number(value)
    kind = tables.kind_of(value)
    if kind is None:
        return value
    if kind != "table":
        raise ValueError(f"A {kind} can't be stored or shown.")
    if depth >= DEEPEST:
        raise ValueError("A table is nested too deeply, or contains itself.")
    items = {key: plain(one, tables, depth + 1) for key, one in value.items()}
    if not items:
        return [] if tables.is_array(value) else {}
    if len(items) == _length(items):
        return [items[place] for place in range(1, len(items) + 1)]
    named = {_name(key): one for key, one in items.items()}
    return {name: named[name] for name in sorted(named)}


def lua(value: Any, tables: Tables) -> Any:
    """Return plain JSON as a Lua value; None in it is nil, and whole floats stay floats."""
    if isinstance(value, dict):
        table = tables.table()
        for name, one in value.items():
            table[name] = lua(one, tables)
        return table
    if isinstance(value, list | tuple):
        if not value:
            return tables.empty_array()
        table = tables.table()
        for place, one in enumerate(value, start=1):
            table[place] = lua(one, tables)
        return table
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def tidy(value: Any) -> Any:
    """Return an input with whole floats as integers, as a person would write them."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_WHOLE:
        return int(value)
    if isinstance(value, dict):
        return {name: tidy(one) for name, one in value.items()}
    return [tidy(one) for one in value] if isinstance(value, list) else value


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("A number is infinite or not a number (0/0), which can't be stored.")
    return value


def _length(items: dict[Any, Any]) -> int:
    """Return n if the keys contain 1 to n and the next one is missing."""
    place = 0
    while place + 1 in items:
        place += 1
    return place


def _name(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str | int | float):
        return str(key)
    raise ValueError("A table has a table or a function as a key, which can't be stored.")

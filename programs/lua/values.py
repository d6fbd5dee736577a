"""Values on their way between Lua and Python: plain JSON on this side, tables on the other."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

DEEPEST = 100
"""The deepest nesting of tables that can leave Lua; a table that contains itself is deeper."""
LARGEST = 64 * 1024 * 1024
"""The maximum size of a value that leaves Lua: the length of its strings, and `EACH` per value."""
EACH = 256
LARGEST_WHOLE = 2**53
"""The whole numbers up to this one are exact as floats, too."""


class Tables(Protocol):
    """The part of a Lua runtime that creates and recognizes tables."""

    kind_of: Callable[[Any], str | None]
    """A function that returns the type of a Lua object, or None for a Python value."""
    table: Callable[[], Any]
    empty_array: Callable[[], Any]
    is_array: Callable[[Any], bool]


def plain(value: Any, tables: Tables) -> Any:
    """Return a Lua value as plain JSON: a list for a table with the keys 1 to n, else a dict.

    The keys of a dict are strings, and sorted. An empty table is a dict, unless it was made from an
    empty list. Raises `ValueError` for functions and other values without JSON, for keys that would
    be the same string, and for a value that is larger than `LARGEST`.
    """
    return _Leaving(tables).plain(value, 0)


class _Leaving:
    """A conversion of a Lua value, which counts the size of all its parts.

    Lua stores a string or a table once, even if many tables contain it, but JSON repeats it.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables, self._left = tables, LARGEST

    def plain(self, value: Any, depth: int) -> Any:
        self._take(value)
        if isinstance(value, float):
            return _number(value)
        kind = self._tables.kind_of(value)
        if kind is None:
            return value
        if kind != "table":
            raise ValueError(f"A {kind} can't be stored or shown.")
        if depth >= DEEPEST:
            raise ValueError("A table is nested too deeply, or contains itself.")
        pairs = [(key, self.plain(one, depth + 1)) for key, one in self._pairs(value)]
        if not pairs:
            return [] if self._tables.is_array(value) else {}
        return _listed(pairs) or _named(pairs)

    def _pairs(self, table: Any) -> Iterator[tuple[Any, Any]]:
        for key, one in table.items():
            self._take(key)
            yield key, one

    def _take(self, value: Any) -> None:
        self._left -= EACH + (len(value) if isinstance(value, str) else 0)
        if self._left < 0:
            size = LARGEST // 1024 // 1024
            raise ValueError(f"A value is larger than {size} MB when it is stored or shown.")


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


def _listed(pairs: list[tuple[Any, Any]]) -> list[Any]:
    """Return the values in order if the keys are 1 to n, else []."""
    if not all(isinstance(key, int) and not isinstance(key, bool) for key, _ in pairs):
        return []
    placed = dict(pairs)
    wanted = range(1, len(placed) + 1)
    return [placed[place] for place in wanted] if all(map(placed.__contains__, wanted)) else []


def _named(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for key, one in pairs:
        name = _name(key)
        if name in named:
            raise ValueError(f"A table has two keys that are stored as {name!r}.")
        named[name] = one
    return {name: named[name] for name in sorted(named)}


def _name(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str | int | float):
        return str(key)
    raise ValueError("A table has a table or a function as a key, which can't be stored.")

"""Conversion of values between Lua and Python: Lua has tables where Python has plain JSON."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

DEEPEST = 100
"""The maximum depth of nested tables in a converted value.

A table that contains itself is deeper.
"""
LARGEST = 64 * 1024 * 1024
"""The maximum size of a value from Lua: the length of its strings, plus `EACH` for each value."""
EACH = 256
LARGEST_WHOLE = 2**53
"""The largest number up to which floats represent all integers exactly."""


class Tables(Protocol):
    """The interface of a Lua runtime that can create tables and recognize values of Lua."""

    kind_of: Callable[[Any], str | None]
    """A function that returns the Lua type of a value, such as "table"; None for a Python value."""
    table: Callable[[], Any]
    empty_array: Callable[[], Any]
    is_array: Callable[[Any], bool]


def plain(value: Any, tables: Tables) -> Any:
    """Return a Lua value as plain JSON.

    A table whose keys are 1 to n becomes a list, any other a dict. The keys of a dict are strings,
    in sorted order. An empty table becomes a dict, unless it was made from an empty list. Raises
    `ValueError` for a function or another value without a JSON form, for two keys that would become
    the same string, and for a value larger than `LARGEST`.
    """
    return _Conversion(tables).plain(value, 0)


class _Conversion:
    """A conversion of one Lua value to plain JSON, which adds up the sizes of all parts.

    In Lua, many tables can contain the same string or table, which is stored only once; in JSON, it
    is repeated each time.
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
            raise ValueError(f"A value of the type {kind} can't be stored or shown.")
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
    """Return plain JSON as a Lua value.

    None becomes nil, and a float that is a whole number stays a float.
    """
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
    """Return an input in which floats such as 3.0 are replaced by integers."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_WHOLE:
        return int(value)
    if isinstance(value, dict):
        return {name: tidy(one) for name, one in value.items()}
    return [tidy(one) for one in value] if isinstance(value, list) else value


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("A number is infinite or NaN (such as 0/0), so it can't be stored.")
    return value


def _listed(pairs: list[tuple[Any, Any]]) -> list[Any]:
    """Return the values in the order of their keys if the keys are 1 to n, else []."""
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

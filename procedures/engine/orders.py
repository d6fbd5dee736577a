"""The order of names in data whose canonical text has them sorted."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def orders_in(plain: Any) -> list[list[str]]:
    """The names of each mapping in the data as they stand there; alike mappings once.

    Two mappings of the same names count as alike: the first one's order is theirs.
    """
    found: dict[frozenset[str], list[str]] = {}
    for mapping in _mappings(plain):
        found.setdefault(frozenset(mapping), list(mapping))
    return [names for names in found.values() if names != sorted(names)]


def in_order(plain: Any, orders: Iterable[list[str]]) -> Any:
    """The data with its names in these orders again; what none of them tells of stays."""
    return _ordered(plain, {frozenset(names): names for names in orders})


def _mappings(plain: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(plain, dict):
        yield plain
    inner = plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ()
    for one in inner:
        yield from _mappings(one)


def _ordered(plain: Any, orders: Mapping[frozenset[str], list[str]]) -> Any:
    if isinstance(plain, list):
        return [_ordered(one, orders) for one in plain]
    if isinstance(plain, dict):
        names = orders.get(frozenset(plain), plain)
        return {name: _ordered(plain[name], orders) for name in names}
    return plain

"""The order of names in data whose canonical text sorts them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def orders_in(plain: Any) -> list[list[str]]:
    """Return the names of each mapping in the data in their order; equal sets of names once.

    Two mappings with the same names count as one: the first one's order applies to both.
    """
    found: dict[frozenset[str], list[str]] = {}
    for mapping in _mappings(plain):
        found.setdefault(frozenset(mapping), list(mapping))
    return [names for names in found.values() if names != sorted(names)]


def in_order(plain: Any, orders: Iterable[list[str]]) -> Any:
    """Return the data with its names in these orders again; unknown mappings stay as they are."""
    by_names = {frozenset(names): names for names in orders}
    top: list[Any] = [plain]
    left: list[tuple[Any, Any]] = [(top, 0)] if by_names else []
    while left:  # no call a level: data may be nested deeper than calls may be
        holder, place = left.pop()
        value = holder[place]
        if isinstance(value, dict):
            names = by_names.get(frozenset(value), value)
            holder[place] = {name: value[name] for name in names}
            left += [(holder[place], name) for name in value]
        elif isinstance(value, list):
            holder[place] = list(value)
            left += [(holder[place], number) for number in range(len(value))]
    return top[0]


def _mappings(plain: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings from the outermost on, in order."""
    left = [plain]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left += reversed(value.values())
        elif isinstance(value, list):
            left += reversed(value)

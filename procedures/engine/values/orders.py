"""The order of names in JSON objects, recorded because canonical JSON sorts the names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def orders_in(plain: Any) -> list[list[str]]:
    """Return the names of each JSON object in the data whose names aren't sorted alphabetically.

    The names are in the order in which the object has them: `[["total", "items"]]`. Objects with
    the same set of names are listed once, with the order of the first of these objects.
    """
    found: dict[frozenset[str], list[str]] = {}
    for mapping in _mappings(plain):
        found.setdefault(frozenset(mapping), list(mapping))
    return [names for names in found.values() if names != sorted(names)]


def in_order(plain: Any, orders: Iterable[list[str]]) -> Any:
    """Return the data with the names of each JSON object in the order that `orders` gives.

    An object keeps its order if no entry of `orders` has the same set of names as the object.
    """
    by_names = {frozenset(names): names for names in orders}
    top: list[Any] = [plain]
    left: list[tuple[Any, Any]] = [(top, 0)] if by_names else []
    while left:  # not recursive, because data may be nested deeper than calls
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
    """Yield each mapping in the data, followed by the mappings inside it."""
    left = [plain]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left += reversed(value.values())
        elif isinstance(value, list):
            left += reversed(value)

"""Lossless conversion of values to JSON, and a comparison of values that also compares types."""

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property
from types import MemberDescriptorType
from typing import Any

from pydantic import BaseModel

from procedures.engine.values import canonical
from procedures.engine.values.state import FrozenDict, FrozenList

PLAIN = {type(None), bool, int, str}
LISTS, SETS = (list, tuple, FrozenList), (set, frozenset)
LIBRARIES = {*sys.stdlib_module_names, "pydantic", "pydantic_core"} - {"__main__"}
NAMES = {str, int, bool, type(None)}
"""Types of dict keys that can be written as JSON names."""


def exact(value: Any, place: str = "It") -> Any:
    """Return the value as complete plain JSON; raises `ValueError` if anything would be left out.

    The items of lists, tuples, sets and dicts are converted one by one. For any other value, the
    value restored from its JSON must be equal to the original and have the same type. Iterators
    such as generators are refused without being consumed. `place` names the value in the error
    message, for example "It[2]".
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{place} is {value}, a number that JSON can't express.")
        return value
    if kind in LISTS:
        return [exact(one, f"{place}[{number}]") for number, one in enumerate(value)]
    if kind in SETS:
        return sorted((exact(one, place) for one in value), key=canonical.text_of)
    if kind in (dict, FrozenDict):
        return _named(value, place)
    return _by_its_own_type(value, place)


def _named(value: Mapping[Any, Any], place: str) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, one in value.items():
        name = _name(key, place)
        if name in plain:
            raise ValueError(f"{place} has two names that both become {name!r} in JSON.")
        plain[name] = exact(one, f"{place}[{name!r}]")
    return plain


def _name(key: Any, place: str) -> str:
    if type(key) is str:
        return key
    if type(key) not in NAMES and not isinstance(key, Enum):
        exact(key, f"A name in {place}")
    [name] = canonical.jsonable({key: None})
    return str(name)


def _by_its_own_type(value: Any, place: str) -> Any:
    kind = type(value)
    words = f"{place} is a {kind.__qualname__}, and its JSON leaves out a part of it"
    if isinstance(value, Iterator):
        once = f"{place} is a {kind.__qualname__}, which can be read only once. Make it a list."
        raise ValueError(once)  # noqa: TRY004 (as for any other value)
    try:
        plain = canonical.jsonable(value, kind)
        canonical.text_of(plain)
        is_same = is_alike(value, canonical.load(plain, kind))
    except Exception as error:
        raise ValueError(f"{words}.") from error
    if not is_same:
        raise ValueError(f"{words}.")
    return plain


def is_alike(one: Any, other: Any) -> bool:
    """Return True if two values are equal and have the same types at every depth."""
    if type(one) is not type(other):
        return False
    if isinstance(one, LISTS):
        is_full = len(one) == len(other) and all(map(is_alike, one, other))
        return is_full and _are_parts_alike(one, other)
    if isinstance(one, Mapping):
        is_full = one.keys() == other.keys()
        is_full = is_full and all(is_alike(value, other[key]) for key, value in one.items())
        return is_full and _are_parts_alike(one, other)
    return _are_parts_alike(one, other) if _parts(one) else bool(one == other)


def classes_in(value: Any, place: str = "") -> Iterator[tuple[str, type]]:
    """Yield the place and the class of each object in a value, for example "[0].price" and `Money`.

    The JSON of the value doesn't name the classes. Classes of the standard library and of Pydantic
    are left out.
    """
    kind = type(value)
    if kind in PLAIN or kind is float:
        return
    if isinstance(value, (*LISTS, *SETS)):
        for number, one in enumerate(value):
            yield from classes_in(one, f"{place}[{number if isinstance(value, LISTS) else ''}]")
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from classes_in(key, f"{place}[{key!r}]")
            yield from classes_in(one, f"{place}[{key!r}]")
    else:
        for name, one in (_parts(value) or {}).items():
            yield from classes_in(one, f"{place}.{name}")
    if not is_of_libraries(kind):
        yield place, kind


def is_of_libraries(kind: type) -> bool:
    """Return True for a class of the standard library or of Pydantic.

    `FrozenList` and `FrozenDict`, the types of values in `ctx.state`, count as such classes, too.
    """
    module = kind.__module__.partition(".")[0]
    return module in LIBRARIES or kind in {FrozenList, FrozenDict}


def _are_parts_alike(one: Any, other: Any) -> bool:
    mine, others = _parts(one) or {}, _parts(other) or {}
    is_full = mine.keys() == others.keys()
    return is_full and all(is_alike(value, others[name]) for name, value in mine.items())


def _parts(value: Any) -> dict[str, Any] | None:
    """Return the attributes of a dataclass, model or other object by name.

    Returns None for an object without attributes.
    """
    if isinstance(value, BaseModel):
        more = {"": value.__pydantic_private__, " ": value.__pydantic_extra__}
        return {**vars(value), **more}
    kind = type(value)
    held = {name: one for name, one in _vars(value).items() if not _is_derived(kind, name)}
    if is_dataclass(value):
        held |= {one.name: getattr(value, one.name, None) for one in fields(value)}
    return held | _slots(value) or None


def _slots(value: Any) -> dict[str, Any]:
    """Return the values in an object's `__slots__`.

    Slots that a class of a library declares are left out.
    """
    return {
        name: getattr(value, name, None)
        for kind in type(value).__mro__
        if "__slots__" in vars(kind) and not is_of_libraries(kind)
        for name, slot in vars(kind).items()
        if isinstance(slot, MemberDescriptorType)
    }


def _vars(value: Any) -> Mapping[str, Any]:
    is_named = isinstance(value, (Enum, type)) or not hasattr(value, "__dict__")
    return {} if is_named else vars(value)


def _is_derived(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), cached_property)

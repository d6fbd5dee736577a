"""Detection of what a value loses when it is converted to JSON and back to its annotated type."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from procedures.engine.values.inspection import PLAIN

ATOMS = {type(None), *PLAIN}
JSON = {type(None), str, int, float, bool, list, dict}
SETS = (set, frozenset)
HOLDERS = (list, tuple, *SETS, Mapping)
NUMBERS = {bool, int, float, Decimal}


def loss(one: Any, other: Any, unions: frozenset[type], place: str = "it") -> str:
    """Return a sentence about what the restored value `other` lacks of `one`; "" for nothing.

    A tuple may come back as a list. An object may come back as plain JSON if the annotation doesn't
    name the type of the object. `unions` are the member types of the unions in the annotation, and
    `place` names the value in the sentence.
    """
    kind, back = type(one), type(other)
    if kind in ATOMS and (kind is back or {kind, back} <= NUMBERS):
        return "" if _is_equal(one, other) else f"{place} would come back as {other!r}"
    if kind is not back and kind in unions:
        return _of_types(place, kind, back)
    if isinstance(one, HOLDERS) and isinstance(other, HOLDERS):
        return _in_holder(one, other, unions, place)
    if kind is back or _is_same_generic(kind, back):
        return _in_fields(one, other, unions, place)
    is_plain = back in JSON or kind in JSON
    return "" if is_plain or issubclass(back, kind) else _of_types(place, kind, back)


def _is_equal(one: Any, other: Any) -> bool:
    """Return True if the values are equal or print the same, like 1.1 and Decimal("1.1")."""
    return bool(one == other) or str(one) == str(other)


def _in_holder(one: Any, other: Any, unions: Any, place: str) -> str:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _in_names(one, other, unions, place)
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return ""
    return _in_parts(one, other, unions, place)


def _of_types(place: str, kind: type, back: type) -> str:
    return f"{place} is a {kind.__qualname__}, and would come back as a {back.__qualname__}"


def _in_names(one: Mapping[Any, Any], other: Mapping[Any, Any], unions: Any, place: str) -> str:
    if len(one) != len(other):
        return f"{place} has different names that become the same in JSON"
    is_same = one.keys() == other.keys()
    pairs = ((key, value, other.get(key if is_same else str(key))) for key, value in one.items())
    for key, value, back in pairs:
        if (is_same or str(key) in other) and (
            why := loss(value, back, unions, f"{place}[{key!r}]")
        ):
            return why
    return ""


def _in_parts(one: Any, other: Any, unions: Any, place: str) -> str:
    if len(one) != len(other):
        return f"{place} has different parts that become the same in JSON"
    is_named = hasattr(one, "_fields") and type(other) not in {type(one), list, tuple}
    if is_named:
        return _of_types(place, type(one), type(other))
    if isinstance(one, SETS):
        return "" if one == other or not isinstance(other, SETS) else _in_sets(one, other, place)
    for number, (part, back) in enumerate(zip(one, other, strict=True)):
        if why := loss(part, back, unions, f"{place}[{number}]"):
            return why
    return ""


def _in_sets(one: Any, other: Any, place: str) -> str:
    kinds, back = set(map(type, one)), set(map(type, other))
    is_plain = back <= JSON
    return (
        ""
        if is_plain or kinds == back
        else f"{place} has parts that would come back as other types"
    )


def _is_same_generic(kind: type, back: type) -> bool:
    """Return True if both classes come from one generic model: `Page[int]` and `Page[str]`."""
    origins = [
        getattr(one, "__pydantic_generic_metadata__", {}).get("origin") or one
        for one in (kind, back)
    ]
    return origins[0] is origins[1]


def _in_fields(one: Any, other: Any, unions: Any, place: str) -> str:
    for name in _names_of(one):
        held, back = getattr(one, name, None), getattr(other, name, None)
        if why := loss(held, back, unions, f"{place}.{name}"):
            return why
    return ""


def _names_of(value: Any) -> Iterable[str]:
    """Return the names of the fields in the value's JSON, without those with `exclude=True`."""
    if isinstance(value, BaseModel):
        known = type(value).model_fields
        return [name for name, field in known.items() if not field.exclude]
    return [field.name for field in fields(value)] if is_dataclass(value) else ()

"""Values of procedures as plain JSON."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Any

from countersign_client.tactus.models import names_of


class UnstorableError(TypeError):
    """A value that has no JSON form."""


def plain(value: Any) -> Any:
    """Return a value as plain JSON.

    Tables of Lua become lists, if their keys are 1, 2 and so on, or else objects. Pydantic models
    and dataclasses become objects. Raises `UnstorableError` for anything else, so that nothing is
    stored that would come back as something different.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise UnstorableError("A value that contains itself can't be stored.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return _named(value.items())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _object(value)


def cut(text: str, most: int) -> str:
    """Return the first `most` characters of a text, with a note of how many more there were."""
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}… ({left:,} more characters)"


def _object(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if names := names_of(type(value)):
        return {name: _plain(getattr(value, name)) for name in names}
    if callable(getattr(value, "items", None)):
        return _table([*value.items()])
    words = f"A value of the type {type(value).__name__} can't be stored, because it isn't JSON."
    raise UnstorableError(words)


def _table(pairs: list[tuple[Any, Any]]) -> Any:
    if pairs and all(isinstance(key, int) and not isinstance(key, bool) for key, _ in pairs):
        found = dict(pairs)
        numbers = range(1, len(found) + 1)
        if all(number in found for number in numbers):
            return [_plain(found[number]) for number in numbers]
    return _named(pairs)


def _named(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in pairs:
        name = _name(key)
        if name in found:
            raise UnstorableError(f"Two names would both be stored as {name!r}.")
        found[name] = _plain(item)
    return found


def _name(name: Any) -> str:
    if isinstance(name, str):
        return name
    if isinstance(name, bool | int | float):
        return json.dumps(name)
    raise UnstorableError(f"A name of the type {type(name).__name__} can't be stored.")

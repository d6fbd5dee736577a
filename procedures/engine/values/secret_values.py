"""Detection of Pydantic's secret types inside values."""

from collections import deque
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.types import Secret

MASK = '"**********"'
"""The JSON text that Pydantic writes for a secret; an ordinary string may be ten asterisks, too."""
TYPES = (SecretStr, SecretBytes, Secret)
HOLDERS = (list, tuple, Set, deque)


def shows_secret(value: Any, text: str) -> bool:
    """Return True if the value contains a secret; `text` is its canonical JSON.

    Pydantic masks each secret in the JSON. But a mask in the text isn't enough, because an ordinary
    string may look like a mask.
    """
    # The text is checked first, because that is quick: without the mask in its JSON, a value
    # contains no secret.
    return MASK in text and _holds(value, set())


def _holds(value: Any, seen: set[int]) -> bool:
    if isinstance(value, TYPES):
        return True
    if id(value) in seen:
        return False
    parts = list(_parts(value))
    seen |= {id(value)} if parts else set()
    return any(_holds(part, seen) for part in parts)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, HOLDERS):
        return [*value]
    if isinstance(value, BaseModel):
        return [*vars(value).values(), *(value.__pydantic_extra__ or {}).values()]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name, None) for field in fields(value)]
    return ()

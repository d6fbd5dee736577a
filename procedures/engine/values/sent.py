"""Parsing of JSON request bodies; a JSON object that has the same name twice is refused."""

import json
from typing import Any

from procedures.engine.errors import EngineError
from procedures.engine.values import canonical


class BodyError(EngineError):
    """An error for a request body that can't be read."""


class DoubleError(ValueError):
    """An error for a JSON object that contains the same name twice."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The body contains the name {name[:80]!r} twice in one object.")


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object made of these names and values.

    Raises `DoubleError` for a repeated name, because JSON parsers disagree about which value
    counts.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise DoubleError(next(name for name in names if names.count(name) > 1))
    return found


def read_json(body: bytes) -> Any:
    """Return the plain data in a body; raises `BodyError` if it can't be parsed or stored."""
    try:
        plain = json.loads(body, object_pairs_hook=without_doubles)
    except DoubleError as error:
        raise BodyError(str(error)) from None
    except ValueError:
        raise BodyError("Expected a JSON or multipart/form-data body.") from None
    try:
        canonical.text_of(plain)
    except ValueError:
        raise BodyError("The body contains characters or numbers that can't be stored.") from None
    return plain

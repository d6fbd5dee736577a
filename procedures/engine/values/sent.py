"""Parsing of JSON request bodies; a JSON object that has the same name twice is refused."""

import json
from typing import Any

from procedures.engine.errors import EngineError
from procedures.engine.values import canonical


class BodyError(EngineError):
    """An error for JSON that can't be read.

    The message is about a request's body. `about_text` says the same about a text that somebody
    has typed.
    """

    def __init__(self, message: str, *, about_text: str = "") -> None:
        self.about_text = about_text or message
        super().__init__(message)


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
        words = f"This JSON contains the name {error.name[:80]!r} twice in one object."
        raise BodyError(str(error), about_text=words) from None
    except ValueError as error:
        words = f"This isn't valid JSON{_place(error)}."
        raise BodyError("Expected a JSON or multipart/form-data body.", about_text=words) from None
    try:
        canonical.text_of(plain)
    except ValueError:
        words = "contains characters or numbers that can't be stored."
        raise BodyError(f"The body {words}", about_text=f"This JSON {words}") from None
    return plain


def _place(error: ValueError) -> str:
    """Return what is wrong in a text and where, to end a sentence; "" if the parser doesn't say."""
    if not isinstance(error, json.JSONDecodeError):
        return ""
    return f": {error.msg} (line {error.lineno}, column {error.colno})"

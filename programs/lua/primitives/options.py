"""Conversions of the arguments with which programs call primitives."""

import json
from collections.abc import Mapping
from typing import Any

from procedures.engine.values.sizes import cut

LONGEST_SHOWN = 100
"""The maximum number of characters of a value that an error message shows."""


def table_of(value: Any, verb: str) -> dict[str, Any]:
    """Return the table of options with which a primitive was called, as a dict; {} for nil.

    `verb` is the name of the primitive in the error's message. Raises `ValueError` if the value
    isn't a table.
    """
    if value is None or value == []:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"{verb} takes a table such as {{message = ...}}, not {shown(value)}.")


def text_of(value: Any) -> str:
    """Return a value as a text: as Lua would print it, a table as JSON, or "" for nil."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            text = f"{value:.14g}"
            return f"{text}.0" if text.lstrip("-").isdecimal() else text
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def shown(value: Any) -> str:
    """Return a value as error messages show it: in the words of Lua, and cut if it is long."""
    text = repr(value) if isinstance(value, str) else text_of(value)
    return cut(text or "nil", LONGEST_SHOWN)


def seconds_of(value: Any, verb: str) -> float | None:
    """Return the seconds that are given as a number or as `{timeout = 5}`; None for nil."""
    given = value.get("timeout") if isinstance(value, Mapping) else value
    if given is None or given == []:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError(f"{verb} needs a number of seconds, not {shown(given)}.")
    return float(given)

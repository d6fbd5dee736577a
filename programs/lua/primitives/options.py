"""Conversions of the arguments with which programs call primitives."""

from collections.abc import Mapping
from typing import Any


def table_of(value: Any, verb: str) -> dict[str, Any]:
    """Return the table of options with which a primitive was called, as a dict; {} for nil.

    `verb` is the name of the primitive in the error's message. Raises `ValueError` if the value
    isn't a table.
    """
    if value is None or value == []:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"{verb} takes a table such as {{message = ...}}, not {value!r}.")


def text_of(value: Any) -> str:
    """Return a value as a text: as Lua would print it, or "" for nil."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def seconds_of(value: Any, verb: str) -> float | None:
    """Return the seconds that are given as a number or as `{timeout = 5}`; None for nil."""
    given = value.get("timeout") if isinstance(value, Mapping) else value
    if given is None or given == []:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError(f"{verb} needs a number of seconds, not {given!r}.")
    return float(given)

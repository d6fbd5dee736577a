"""Conversion of the data in old rows, so that pages can show it.

Older versions stored data that the engine refuses today. The old rows stay as they are, and replay
compares them as they are; only data that people read is converted here.
"""

import math
from collections.abc import Mapping
from typing import Any

from procedures.engine.values import canonical

TEXTS = ("prompt", "body", "text", "stage", "message", "comment", "reason", "responder", "type")
"""The names in events and questions whose values pages show as text."""
NUMBERS = ("done", "total")


def readable(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's or a question's data, with each value as a type that pages can show."""
    plain = dict(content)
    for name in TEXTS:
        if name in plain:
            plain[name] = text_of(plain[name])
    for name in NUMBERS:
        if name in plain:
            plain[name] = _number(plain[name])
    if "done" in plain and plain["done"] is None:
        plain.pop("done")
    if "prompt" in plain:
        plain |= _question(plain)
    return plain


def text_of(value: Any) -> str:
    """Return a string unchanged, "" for None, and JSON for anything else."""
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical.text_of(value)


def _question(plain: Mapping[str, Any]) -> dict[str, Any]:
    labels, schema, draft = plain.get("labels"), plain.get("schema"), plain.get("draft")
    found = {
        "labels": {name: text_of(one) for name, one in _named(labels).items()},
        "assign": [text_of(one) for one in _listed(plain.get("assign"))],
        "volatile": [text_of(one) for one in _listed(plain.get("volatile"))],
        "schema": _named(schema),
        "draft": None if draft is None else text_of(draft),
        "expires": _number(plain.get("expires")),
    }
    return {name: value for name, value in found.items() if name in plain}


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _number(value: Any) -> float | None:
    """Return a finite number unchanged, and None for anything else."""
    try:
        is_number = not isinstance(value, bool | str) and math.isfinite(value)
    except (TypeError, OverflowError):
        return None
    return value if is_number else None

"""Data kept by older versions, made drawable: they refused less at the call.

Data is checked at the call today. Old rows stay unchanged and replay compares them unchanged; only
what is read for people goes through here.
"""

import math
from collections.abc import Mapping
from typing import Any

from procedures.engine.values import canonical

TEXTS = ("prompt", "body", "text", "stage", "message", "comment", "reason", "responder", "type")
"""Names in an event's data, and in a question, whose values are drawn as text."""
NUMBERS = ("done", "total")


def readable(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data, or a question, with texts and numbers where pages draw them."""
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
    """Return a text unchanged, "" for None, and JSON for anything else."""
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
    """Return the number, or None if no bar can show it."""
    try:
        is_number = not isinstance(value, bool | str) and math.isfinite(value)
    except (TypeError, OverflowError):
        return None
    return value if is_number else None

"""What older versions kept, as pages can draw it: they refused less where it was written.

What is written now is checked at the call. A row that is there stays as it is, and a replay
compares it as it is; only what reads it for people goes through here.
"""

import math
from collections.abc import Mapping
from typing import Any

from procedures.engine.values import canonical

TEXTS = ("prompt", "body", "text", "stage", "message", "comment", "reason", "responder", "type")
"""Names of an event's data, and of a question, under which a text is drawn."""
NUMBERS = ("done", "total")


def readable(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data, or a question, with a text or a number where one is drawn."""
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
    """Return a text as it is, nothing for nothing, and JSON for anything else."""
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
    """The number, unless it is none that a bar can show."""
    try:
        is_number = not isinstance(value, bool | str) and math.isfinite(value)
    except (TypeError, OverflowError):
        return None
    return value if is_number else None

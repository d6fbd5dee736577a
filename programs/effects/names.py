"""Conversion of programs' names to names that the engine accepts, and values by dotted names."""

import re
from typing import Any

from procedures.engine.values import canonical

IN_NAMES = {"%": "%25", "#": "%23", "/": "%2F", ":": "%3A"}
"""Characters that names of steps and signals can't contain, with the codes that replace them."""
TABLE = str.maketrans(IN_NAMES)
LONGEST = 80
"""The maximum number of characters in the name of a step or signal."""


def engine_name(name: str) -> str:
    """Return the name of the step for a node, or of the signal for an event.

    A name that is too long is cut, and a digest of the whole name is added, so that the result
    stays unique.
    """
    written = name.translate(TABLE)
    if len(written) <= LONGEST:
        return written
    return f"{written[: LONGEST - 13]}~{canonical.digest(name)[:12]}"


def procedure_name(workflow_id: str) -> str:
    """Return the name of the procedure that is made from the workflow with this id."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", workflow_id)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def set_nested(target: dict[str, Any], key: str, value: Any) -> None:
    """Set a value under a dotted name: "a.b" sets `target["a"]["b"]`.

    If `target["a"]` is missing or isn't a dict, a new dict takes its place.
    """
    *above, last = key.split(".")
    for name in above:
        inner = target.get(name)
        if not isinstance(inner, dict):
            inner = target[name] = {}
        target = inner
    target[last] = value

"""Names of programs, converted to names that the engine accepts, and values by dotted names."""

import re
from typing import Any

from procedures.engine.values import canonical

IN_NAMES = {"%": "%25", "#": "%23", "/": "%2F", ":": "%3A"}
"""The codes of the characters that names of steps and signals can't have."""
TABLE = str.maketrans(IN_NAMES)
LONGEST = 80
"""The longest name that a step or signal can have, in characters."""


def engine_name(name: str) -> str:
    """Return the name of the step or signal that stands for a node or an event.

    A long name is cut and its digest is added, so that the name stays unique.
    """
    written = name.translate(TABLE)
    if len(written) <= LONGEST:
        return written
    return f"{written[: LONGEST - 13]}~{canonical.digest(name)[:12]}"


def procedure_name(workflow_id: str) -> str:
    """Return the name of the procedure for a workflow."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", workflow_id)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def set_nested(target: dict[str, Any], key: str, value: Any) -> None:
    """Set a value under a dotted name; any value on the way that isn't a dict is replaced."""
    *above, last = key.split(".")
    for name in above:
        inner = target.get(name)
        if not isinstance(inner, dict):
            inner = target[name] = {}
        target = inner
    target[last] = value

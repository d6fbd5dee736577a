"""Names of programs as the engine takes them, and nested values by dotted names."""

import re
from typing import Any

IN_NAMES = {"%": "%25", "#": "%23", "/": "%2F", ":": "%3A"}
"""The codes of the characters that names of steps and signals can't have."""
TABLE = str.maketrans(IN_NAMES)


def engine_name(name: str) -> str:
    """Return the name of the step or signal that stands for a node or an event."""
    return name.translate(TABLE)


def own_name(name: str) -> str:
    """Return the name from which `engine_name` made this one."""
    for written, one in ((code, char) for char, code in reversed(IN_NAMES.items())):
        name = name.replace(written, one)
    return name


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

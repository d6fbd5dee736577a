"""Values in evidence that may differ on a replay, and the differences between two values."""

from collections.abc import Iterator, Sequence
from typing import Any

from procedures.engine.values import canonical
from procedures.engine.values.spelling import meant

MOST = 5
"""The largest number of differences that a message lists."""
LONGEST = 200
ABSENT: Any = object()
HELD = {"volatile": True}
"""The placeholder that stands for each volatile value when the evidence is hashed."""
REMEDY = (
    "Take times from ctx.now(), random numbers from ctx.random, and external data from a "
    "step; or list in volatile= what may differ."
)


def without(value: Any, paths: Sequence[str]) -> Any:
    """Return the evidence with a placeholder in place of each volatile value.

    `paths` holds the dotted names of the volatile values, such as "lines.price". Inside a list, a
    path applies to each item.
    """
    for path in paths:
        value = _without(value, path.split("."))
    return value


def _without(value: Any, path: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_without(one, path) for one in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    inner = HELD if len(path) == 1 else _without(value[path[0]], path[1:])
    return {**value, path[0]: inner}


def check_paths(value: Any, paths: Sequence[str]) -> None:
    """Raise `ValueError` if the evidence has no value at one of the paths."""
    known = list(paths_of(value))
    for path in paths:
        if path not in known:
            raise ValueError(
                f"volatile= names {path!r}, which the evidence lacks.{meant(path, known)}"
            )


def paths_of(value: Any, before: str = "") -> Iterator[str]:
    """Yield the dotted name of each value in nested data, such as "lines.price".

    The names don't number the items of a list: "lines.price" is yielded for each item. `before` is
    the prefix of all names.
    """
    if isinstance(value, list):
        for one in value:
            yield from paths_of(one, before)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{before}{name}"
            yield from paths_of(inner, f"{before}{name}.")


def differences(before: Any, now: Any) -> str:
    """Return the differences, such as "amount was 31.20 and is now 3100"; "" if there are none."""
    found = []
    for path, old, new in _differences(before, now, ""):
        found.append(f"{path or 'it'} was {_told(old)} and is now {_told(new)}")
        if len(found) > MOST:
            return f"{'; '.join(found[:MOST])}; and more"
    return "; ".join(found)


def _differences(before: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*before, *now]):
            inner = f"{path}.{name}" if path else name
            yield from _differences(before.get(name, ABSENT), now.get(name, ABSENT), inner)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True), start=1):
            yield from _differences(old, new, f"{path} {number}".strip())
    elif before != now or isinstance(before, bool) != isinstance(now, bool):
        yield path, before, now


def _told(value: Any) -> str:
    text = "absent" if value is ABSENT else canonical.text_of(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

"""The changes that a step of a program has made to the values of its run."""

from collections.abc import Mapping
from typing import Any

from procedures.engine.values import canonical


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return the values that a step has added or changed, and the names that it has removed.

    The values are plain JSON. But if one of them has no JSON form, such as NaN, all are returned
    unconverted. The step then fails after its work, because its result can't be stored.
    """
    try:
        plain: dict[str, Any] = canonical.jsonable(dict(after))
    except ValueError:
        plain = dict(after)
    differing = {
        name: value
        for name, value in plain.items()
        if name not in before or not is_same(value, before[name])
    }
    return differing, sorted(before.keys() - plain.keys())


def is_same(one: Any, other: Any) -> bool:
    """Return True if both values have the same JSON form."""
    try:
        return canonical.text_of(one) == canonical.text_of(other)
    except ValueError:
        return False

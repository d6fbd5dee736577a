"""A request of which a reader sees the card, and how its evidence is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Matter:
    """A question, and the right decision."""

    procedure: str
    kind: str
    prompt: str
    right: str
    """The decision; for an input, the value."""
    why: str
    arguments: Sequence[Any] = ()
    options: dict[str, Any] = field(default_factory=dict)


def matter(
    procedure: str, kind: str, prompt: str, right: str, why: str, *arguments: Any, **options: Any
) -> Matter:
    return Matter(procedure, kind, prompt, right, why, arguments, options)


def changed(before: Any, after: Any) -> dict[str, Any]:
    return {"change": {"before": before, "after": after}}


def table(name: str, columns: str, *rows: str) -> dict[str, Any]:
    """Return a table from its columns and rows, with their cells separated by bars."""
    names = columns.split("|")
    return {name: [dict(zip(names, row.split("|"), strict=True)) for row in rows]}

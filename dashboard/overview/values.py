"""Inputs and results for people: entries with labels, links to files, and JSON for other values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.overview.drawing import is_file, labels_of, pretty
from dashboard.overview.words import format_size
from procedures.engine.values.schemas import INSIDE

LONGEST = 120
MOST = 6


@dataclass(frozen=True)
class ShownValue:
    """A value as text, as JSON or as a file's name; `label` is None if the value has no name."""

    label: str | None
    text: str = ""
    raw: str = ""
    """The value as JSON, if it is too long or too deep for one line."""
    file: str = ""
    """The name of the file, if the value is a file of the run."""
    note: str = ""


def format_value(value: Any) -> list[ShownValue]:
    """Return an entry for each key of a mapping; of any other value, one entry without a label."""
    if isinstance(value, Mapping) and value and not is_file(value):
        labels = labels_of(value)
        return [one for name, inner in value.items() for one in _entries(labels[name], inner)]
    return [] if value is None or value in ({}, []) else [_shown(None, value)]


def _entries(label: str, value: Any) -> Iterator[ShownValue]:
    """Yield one entry for a value; if files are inside it, yield one entry for each part."""
    if is_file(value) or not _holds_file(value):
        yield _shown(label, value)
    elif isinstance(value, Mapping):
        labels = labels_of(value)
        for name, inner in value.items():
            yield from _entries(f"{label}{INSIDE}{labels[name]}", inner)
    else:
        for number, inner in enumerate(value, start=1):
            yield from _entries(f"{label} {number}", inner)


def _holds_file(value: Any) -> bool:
    return any(True for _ in files_within(value))


def files_within(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the descriptions of all files in a value."""
    left = [value]
    while left:  # no call a level: inputs may be nested deeper than calls may be
        one = left.pop()
        if is_file(one):
            yield one
        elif isinstance(one, Mapping | list):
            left += one.values() if isinstance(one, Mapping) else one


def _shown(label: str | None, value: Any) -> ShownValue:
    if is_file(value):
        return ShownValue(label, file=value["name"], note=format_size(value["size"]))
    line = _line(value)
    return ShownValue(label, text=line) if line else ShownValue(label, raw=pretty(value))


def _line(value: Any) -> str:
    """Return the value as one line of text, or "" if it is too long or too deep for one line."""
    if isinstance(value, Mapping) and 0 < len(value) <= MOST:
        inner = {name: _scalar(one) for name, one in value.items()}
        line = " · ".join(f"{name.replace('_', ' ')} {text}" for name, text in inner.items())
        return line if all(inner.values()) and len(line) <= LONGEST else ""
    if isinstance(value, list) and value:
        texts = [_scalar(one) for one in value]
        line = ", ".join(texts)
        return line if all(texts) and len(line) <= LONGEST else ""
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str):
        return value or "—"
    if value in (None, [], {}):
        return "—"
    return str(value) if isinstance(value, int | float) else ""

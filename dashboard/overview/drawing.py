"""Data as a tree of nodes that templates can draw without looking up names from the data.

If a template asks a dict for `items`, it gets the value with that key if there is one. All data
from outside is therefore drawn from a `Node`, which is made only here.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures.engine.values import canonical

MOST_COLUMNS = 20
MANY_LINES = 20
"""The number of lines at which a text gets a scrolling frame."""
DEEPEST = 12
"""The depth to which JSON is indented; deeper levels would mostly consist of spaces."""
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
NUMBER = re.compile(r"[+-]?\d[\d.,]*(e[+-]?\d+)?", re.IGNORECASE)
Shape = Literal["none", "empty", "text", "lines", "json", "mapping", "table", "list"]


@dataclass(frozen=True)
class Node:
    """A value, or a part of one, ready to be drawn by a template."""

    shape: Shape
    text: str = ""
    """The text of a node with the shape none, empty, text, lines or json."""
    summary: str = ""
    """The label of the fold, if the shape is lines or json."""
    is_number: bool = False
    named: Sequence["Named"] = ()
    """The rows of a mapping, the columns of a table."""
    rows: Sequence[Sequence["Node | None"]] = ()
    """The cells of a table, row by row; None if a row has no value in that column."""
    parts: Sequence["Node"] = ()
    """The parts of a list."""
    read: Sequence[str] = ()
    """Labels of the parts of a list that were read when the question was asked.

    They may have changed since.
    """


@dataclass(frozen=True)
class Named:
    """A value with its name; for a table's column, the name and the first row's value."""

    name: str
    label: str
    """The name in words; the exact name if two names would read the same."""
    node: Node | None
    is_read: bool = False
    """True if the value was read when the question was asked, and may have changed since."""
    read: Sequence[str] = ()
    """Labels of the parts that were read when the question was asked, if not all parts were."""


def draw(value: Any, volatile: Sequence[str] = ()) -> Node:
    """Return a JSON value as nodes; data nested inside its parts is shown as JSON.

    The paths in `volatile`, written as for `ctx.approve(volatile=)`, are marked.
    """
    if isinstance(value, Mapping) and value:
        labels = labels_of(value)
        named = [_named(name, labels[name], cell(one), volatile) for name, one in value.items()]
        return Node("mapping", named=named)
    if isinstance(value, list) and value:
        if _is_table(value):
            return _table(value, volatile)
        return Node("list", parts=[*map(cell, value)], read=[*map(path_label, volatile)])
    return cell(value)


def _named(name: str, label: str, node: Node | None, volatile: Sequence[str]) -> Named:
    inner = [path.removeprefix(f"{name}.") for path in volatile if path.startswith(f"{name}.")]
    is_read = name in volatile
    return Named(name, label, node, is_read, [] if is_read else [*map(path_label, inner)])


def path_label(path: str) -> str:
    """Return a path in words, such as "Source: read at"."""
    first, *rest = [label_of(name) for name in path.split(".")]
    return ": ".join([first, *(name[:1].lower() + name[1:] for name in rest)])


def cell(value: Any) -> Node:
    """Return a value as the node of a table's cell; nested data is JSON that can be unfolded."""
    if value is None:
        return Node("none", _("none"))
    if isinstance(value, bool):
        return Node("text", _("yes") if value else _("no"))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | list):
        return _nested(value)
    return Node("text", str(value), is_number=isinstance(value, int | float))


def _nested(value: Mapping[str, Any] | list[Any]) -> Node:
    count = len(value)
    if isinstance(value, Mapping):
        none, words = _("no values"), ngettext("{count} value", "{count} values", count)
    else:
        none, words = _("no items"), ngettext("{count} item", "{count} items", count)
    if not value:
        return Node("empty", none)
    return Node("json", pretty(value), words.format(count=f"{count:,}"))


def _text(value: str) -> Node:
    if not value:
        return Node("empty", _("empty"))
    if value.count("\n") >= MANY_LINES:
        return Node("lines", value, _lines_of(value))
    return Node("text", value, is_number=bool(NUMBER.fullmatch(value)))


def _lines_of(text: str) -> str:
    count = len(text.splitlines())
    return ngettext("{count} line", "{count} lines", count).format(count=f"{count:,}")


def _table(rows: Sequence[Mapping[str, Any]], volatile: Sequence[str]) -> Node:
    names = list(dict.fromkeys(name for row in rows for name in row))
    labels = labels_of(names)
    drawn = [[cell(row[name]) if name in row else None for name in names] for row in rows]
    columns = [
        _named(name, labels[name], drawn[0][place], volatile) for place, name in enumerate(names)
    ]
    return Node("table", named=columns, rows=drawn)


def _is_table(rows: Sequence[Any]) -> bool:
    """Return True for non-empty mappings with at most `MOST_COLUMNS` different names in all."""
    names: set[str] = set()
    for row in rows:
        if not isinstance(row, Mapping) or not row:
            return False
        names.update(row)
        if len(names) > MOST_COLUMNS:
            return False
    return True


def labels_of(names: Iterable[str]) -> dict[str, str]:
    """Return a label for each name: "order_id" becomes "Order id".

    A name that isn't in snake case is unchanged, and so are names whose labels would be equal.
    """
    labels = {name: label_of(name) for name in names}
    seen = Counter(labels.values())
    return {name: label if seen[label] == 1 else exact_name(name) for name, label in labels.items()}


def label_of(name: str) -> str:
    if not PLAIN_NAME.fullmatch(name):
        return exact_name(name)
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def exact_name(name: str) -> str:
    """Return the name, in quotation marks if it is empty or begins or ends with a space."""
    return name if name and name == name.strip() else json.dumps(name, ensure_ascii=False)


def pretty(value: Any) -> str:
    """Return indented JSON; deeply nested data is written on one line."""
    if _is_deep(value):
        return canonical.text_of(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _level in range(DEEPEST):
        held = [list(one.values()) if isinstance(one, Mapping) else one for one in level]
        level = [part for one in held if isinstance(one, list) for part in one]
        if not level:
            return False
    return any(isinstance(one, Mapping | list) for one in level)

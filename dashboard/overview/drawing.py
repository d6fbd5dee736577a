"""Values as trees of nodes, so that templates never look up keys that come from the data.

If a template asks a dict for `items`, it gets the value with that key, if there is one. So data
that people or programs have sent is drawn from a `Node`, which only this module creates.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.changes import Line, edits_between, lines_of
from procedures.engine.values import canonical
from procedures.file_responses import PICTURES

READABLE = {"application/json", "text/csv", "text/markdown", "text/plain"}
"""The content types of files whose beginning can be shown as text."""
OF_FILE = {"name": str, "digest": str, "size": int, "content_type": str}
MOST_COLUMNS = 20
MOST_ON_PHONES = 3
"""The maximum number of columns of a table that fit on a phone."""
LEVELS = 3
"""The number of levels of nested mappings that are drawn; deeper ones are shown as JSON."""
MANY_LINES = 20
"""The number of line breaks at which a text gets a scrolling frame."""
DEEPEST = 12
"""The deepest level of JSON that is indented, because deeper ones would be mostly spaces."""
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
UNIT = r"(?:[€$£¥%]|[A-Z]{3})"
NUMBER = re.compile(
    rf"(?:{UNIT} ?)?[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?(?: ?{UNIT})?",
)
"""A pattern for a number as people write it, such as 1,200 or, with a currency, 31.20 EUR."""
DIGEST = re.compile("[0-9a-f]{64}")
CHANGE = ("before", "after")
"""The keys of a mapping that is drawn as a difference."""
OneValue = Literal["none", "empty", "text", "lines", "json", "file"]
Several = Literal["mapping", "sections", "table", "list", "change", "changed lines"]
Shape = OneValue | Several


@dataclass(frozen=True)
class Node:
    """A value, or a part of one, ready for a template."""

    shape: Shape
    text: str = ""
    """The text, if the shape is none, empty, text, lines or json."""
    summary: str = ""
    """The label of the closed fold, if the shape is lines or json."""
    is_number: bool = False
    named: Sequence["Named"] = ()
    """The rows of a mapping, the parts of sections, or the columns of a table."""
    changed: Sequence["Changed"] = ()
    """The rows of a difference between two mappings, or between two values."""
    changed_lines: Sequence[Line] = ()
    """The lines of a difference between two texts, each marked as "kept", "gone" or "new"."""
    file: "StoredFile | None" = None
    names: Sequence[str] = CHANGE
    """The names of the two sides of a difference."""
    rows: Sequence[Sequence["Node | None"]] = ()
    """The cells of a table, row by row; None where a row has no value for a column."""
    parts: Sequence["Node"] = ()
    """The parts of a list."""
    read: Sequence[str] = ()
    """The labels of a list's parts that were read when the question was asked.

    Their values may have changed since.
    """

    @property
    def is_wide(self) -> bool:
        """True for a table that is too wide for a phone, which shows each row as a card."""
        return self.shape == "table" and len(self.named) > MOST_ON_PHONES

    @property
    def labelled_rows(self) -> Sequence[Sequence[tuple[str, "Node | None"]]]:
        """The cells of a table, each with the label of its column."""
        labels = [one.label for one in self.named]
        return [list(zip(labels, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Named:
    """A value with its name, or a table's column with its name and the value in the first row."""

    name: str
    label: str
    """The name in words, or the exact name if another one would have the same label."""
    node: Node | None
    is_read: bool = False
    """True if the value was read when the question was asked, and may have changed since."""
    read: Sequence[str] = ()
    """The labels of inner values that were read when the question was asked; [] if `is_read`."""


@dataclass(frozen=True)
class Changed:
    """A value before and after a change; None on the side where it is missing."""

    label: str
    name: str
    before: Node | None
    after: Node | None
    is_same: bool


@dataclass(frozen=True)
class StoredFile:
    """A file of the run, as evidence describes it."""

    name: str
    digest: str
    size: int
    content_type: str

    @property
    def is_picture(self) -> bool:
        return self.content_type in PICTURES

    @property
    def has_preview(self) -> bool:
        return self.content_type in READABLE


def draw(value: Any, volatile: Sequence[str] = (), *, level: int = 1) -> Node:
    """Return a JSON value as a node; below `LEVELS` levels, nested values are shown as JSON.

    A mapping with the keys "before" and "after" is drawn as a difference, and a stored file as a
    link or a picture. A mapping whose values are mappings and lists is drawn as sections. The paths
    in `volatile`, written as in `ctx.approve(volatile=)`, are marked.
    """
    if isinstance(value, Mapping) and value:
        return _special(value) or _mapping(value, volatile, level)
    if isinstance(value, list) and value:
        if _is_table(value):
            return _table(value, volatile)
        return Node("list", parts=[*map(cell, value)], read=[*map(path_label, volatile)])
    return cell(value)


def _special(value: Mapping[str, Any]) -> Node | None:
    """Return a node if the mapping describes a file or a difference, else None."""
    if file := file_of(value):
        return Node("file", file.name, file=file)
    return _change(value["before"], value["after"]) if value.keys() == set(CHANGE) else None


def _mapping(value: Mapping[str, Any], volatile: Sequence[str], level: int) -> Node:
    labels = labels_of(value)
    inner = draw if level < LEVELS else _cell_at
    named = [
        _named(name, labels[name], _inside(one, inner, level), volatile)
        for name, one in value.items()
    ]
    are_nested = (isinstance(one, Mapping | list) and bool(one) for one in value.values())
    is_divided = level == 1 and all(are_nested)
    return Node("sections" if is_divided else "mapping", named=named)


def _inside(value: Any, inner: Callable[..., Node], level: int) -> Node:
    """Return a node for a value inside a mapping; lists other than tables are shown as JSON."""
    is_drawn = isinstance(value, Mapping) or (isinstance(value, list) and _is_table(value))
    return inner(value, level=level + 1) if is_drawn and value else cell(value)


def _cell_at(value: Any, *, level: int) -> Node:
    return (_special(value) if isinstance(value, Mapping) else None) or cell(value)


def file_of(value: Mapping[str, Any]) -> StoredFile | None:
    """Return the stored file that a mapping describes, or None if it describes none."""
    if not is_file(value) or not DIGEST.fullmatch(value["digest"]):
        return None
    return StoredFile(value["name"], value["digest"], value["size"], value["content_type"])


def _change(before: Any, after: Any) -> Node:
    """Return a difference: texts line by line, mappings key by key, and other values as a whole."""
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        return Node("changed lines", changed_lines=changed_lines(before, after))
    if isinstance(before, Mapping) and isinstance(after, Mapping) and (before or after):
        labels = labels_of(dict.fromkeys([*before, *after]))
        changed = [
            Changed(
                label, name, _part(before, name), _part(after, name), _is_same(before, after, name)
            )
            for name, label in labels.items()
        ]
        return Node("change", changed=changed)
    return Node("change", changed=[Changed("", "", cell(before), cell(after), before == after)])


def _part(value: Mapping[str, Any], name: str) -> Node | None:
    return _cell_at(value[name], level=LEVELS) if name in value else None


def _is_same(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    both = name in before and name in after
    # As text: 1 and True are equal in Python.
    return both and canonical.text_of(before[name]) == canonical.text_of(after[name])


def changed_lines(old: str, new: str) -> list[Line]:
    """Return the lines of both texts, each marked as "kept", "gone" or "new"."""
    return list(lines_of(old, new, edits_between(old, new)))


def _named(name: str, label: str, node: Node | None, volatile: Sequence[str]) -> Named:
    inner = [path.removeprefix(f"{name}.") for path in volatile if path.startswith(f"{name}.")]
    is_read = name in volatile
    return Named(name, label, node, is_read, [] if is_read else [*map(path_label, inner)])


def path_label(path: str) -> str:
    """Return a label for a path, such as "Source: read at"."""
    first, *rest = [label_of(name) for name in path.split(".")]
    return ": ".join([first, *(name[:1].lower() + name[1:] for name in rest)])


def is_file(value: Any) -> bool:
    """Return True if the value is a file of a run; other objects may have the same keys."""
    if not isinstance(value, Mapping) or set(value) != set(OF_FILE):
        return False
    is_typed = all(type(value[name]) is kind for name, kind in OF_FILE.items())
    return is_typed and bool(value["name"]) and not {"/", "\0", "\n"} & set(value["name"])


def cell(value: Any) -> Node:
    """Return a value as a node for a table's cell; nested values are JSON that can be unfolded."""
    if value is None:
        return Node("none", _("none"))
    if isinstance(value, bool):
        return Node("text", _("yes") if value else _("no"))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping) and (file := file_of(value)):
        return Node("file", file.name, file=file)
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
    """Return True if all rows are non-empty mappings with at most `MOST_COLUMNS` keys together."""
    names: set[str] = set()
    for row in rows:
        if not isinstance(row, Mapping) or not row or file_of(row):
            return False
        names.update(row)
        if len(names) > MOST_COLUMNS:
            return False
    return True


def labels_of(names: Iterable[str]) -> dict[str, str]:
    """Return a label for each name; "order_id" becomes "Order id".

    A name keeps its form if it isn't in snake case, or if its label would equal that of another
    name.
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
    """Return indented JSON, or JSON on one line if it is deeply nested."""
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

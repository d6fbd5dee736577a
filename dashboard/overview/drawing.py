"""JSON values as trees of nodes, for templates.

If a template looks up `items` in a dict, Django tries the key "items" before the method. So a
template must not get a dict with keys that people or programs have chosen. It gets a `Node`
instead, which only this module creates.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
"""The number of levels of nested mappings that are drawn; values inside the last are JSON."""
MANY_LINES = 20
"""A text with at least this many line breaks is shown inside a frame that scrolls."""
DEEPEST = 12
"""The maximum number of levels of JSON that is indented; deeper JSON is put on one line."""
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
UNIT = r"(?:[€$£¥%]|[A-Z]{3})"
NUMBER = re.compile(
    rf"(?:{UNIT} ?)?[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?(?: ?{UNIT})?",
)
"""A pattern for a number as people write it, with or without a currency, such as "31.20 EUR"."""
DIGEST = re.compile("[0-9a-f]{64}")
CHANGE = ("before", "after")
"""The two keys of a mapping that is drawn as a comparison of two values."""
OneValue = Literal["none", "empty", "text", "lines", "json", "file"]
Several = Literal["mapping", "sections", "table", "list", "change", "changed lines"]
Shape = OneValue | Several


@dataclass(frozen=True)
class Node:
    """A value, or a part of one, for a template; `shape` says which other fields are used."""

    shape: Shape
    text: str = ""
    """The text to show, if the shape is "none", "empty", "text", "lines" or "json"."""
    summary: str = ""
    """The label that opens the text, such as "3 items"; used for "lines" and "json"."""
    is_number: bool = False
    """True if the value is aligned at the end, as numbers are."""
    named: Sequence["NamedValue"] = ()
    """The entries of a mapping, the sections of a divided one, or the columns of a table."""
    changed: Sequence["ComparedRow"] = ()
    """The rows of a comparison: one for each key of two mappings, or one for two other values."""
    changed_lines: Sequence[Line] = ()
    """The lines of a comparison of two texts; see the function `changed_lines`."""
    file: "StoredFile | None" = None
    names: Sequence[str] = CHANGE
    """The headings of the two sides of a comparison."""
    rows: Sequence[Sequence["Node | None"]] = ()
    """The cells of a table, row by row; None where the row lacks the key of the column."""
    parts: Sequence["Node"] = ()
    """The parts of a list."""
    read: Sequence[str] = ()
    """The labels of the inner values that may have changed since the question was asked.

    The code of the procedure read these values, such as a balance, to ask the question.
    """

    @property
    def is_wide(self) -> bool:
        """True if this is a table with too many columns for a phone.

        Phones show each row of such a table as a card.
        """
        return self.shape == "table" and len(self.named) > MOST_ON_PHONES

    @property
    def labelled_rows(self) -> Sequence[Sequence[tuple[str, "Node | None"]]]:
        """The cells of a table, each with the label of its column."""
        labels = [one.label for one in self.named]
        return [list(zip(labels, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class NamedValue:
    """A key of a mapping with its value, or a column of a table with its value in the first row."""

    name: str
    label: str
    """The name in words, such as "Order id", or the exact name if two names had the same words."""
    node: Node | None
    is_read: bool = False
    """True if the value may have changed since the question was asked; see `Node.read`."""
    read: Sequence[str] = ()
    """The labels of inner values that may have changed; [] if `is_read`."""


@dataclass(frozen=True)
class ComparedRow:
    """A row of a comparison: a value on both sides; None on a side that lacks the key."""

    label: str
    name: str
    before: Node | None
    after: Node | None
    is_same: bool


@dataclass(frozen=True)
class StoredFile:
    """A file of a run, from its description in JSON: name, digest, size and type."""

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
    """Return a JSON value as a node.

    A mapping with the keys "before" and "after" is drawn as a comparison, and the description of a
    file as a link or a picture. A mapping whose values are all mappings or lists is divided into
    sections. More than `LEVELS` levels down, values are shown as JSON. `volatile` contains the
    paths of values that may have changed, such as "source.read_at"; these values are marked.
    """
    if isinstance(value, Mapping) and value:
        return _special(value) or _mapping(value, volatile, level)
    if isinstance(value, list) and value:
        if _is_table(value):
            return _table(value, volatile)
        return Node("list", parts=[*map(cell, value)], read=[*map(path_label, volatile)])
    return cell(value)


def _special(value: Mapping[str, Any]) -> Node | None:
    """Return a node if the mapping describes a file or has the keys of a comparison, else None."""
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
    """Return a node for a value of a mapping; a list that isn't a table is shown as JSON."""
    is_drawn = isinstance(value, Mapping) or (isinstance(value, list) and _is_table(value))
    return inner(value, level=level + 1) if is_drawn and value else cell(value)


def _cell_at(value: Any, *, level: int) -> Node:
    return (_special(value) if isinstance(value, Mapping) else None) or cell(value)


def file_of(value: Mapping[str, Any]) -> StoredFile | None:
    """Return the file that a mapping describes, or None if it doesn't describe a file."""
    if not is_file(value) or not DIGEST.fullmatch(value["digest"]):
        return None
    return StoredFile(value["name"], value["digest"], value["size"], value["content_type"])


def _change(before: Any, after: Any) -> Node:
    """Return a comparison of two values.

    Texts are compared line by line, mappings key by key, and other values as a whole.
    """
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        return Node("changed lines", changed_lines=changed_lines(before, after))
    if isinstance(before, Mapping) and isinstance(after, Mapping) and (before or after):
        labels = labels_of(dict.fromkeys([*before, *after]))
        changed = [
            ComparedRow(
                label, name, _part(before, name), _part(after, name), _is_same(before, after, name)
            )
            for name, label in labels.items()
        ]
        return Node("change", changed=changed)
    return Node("change", changed=[ComparedRow("", "", cell(before), cell(after), before == after)])


def _part(value: Mapping[str, Any], name: str) -> Node | None:
    return _cell_at(value[name], level=LEVELS) if name in value else None


def _is_same(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    both = name in before and name in after
    # As text: 1 and True are equal in Python.
    return both and canonical.text_of(before[name]) == canonical.text_of(after[name])


def changed_lines(old: str, new: str) -> list[Line]:
    """Return the lines of both texts, each with a mark.

    The mark is "kept" for a line of both texts, "gone" for one of the old text only, and "new" for
    one of the new text only.
    """
    return list(lines_of(old, new, edits_between(old, new)))


def _named(name: str, label: str, node: Node | None, volatile: Sequence[str]) -> NamedValue:
    inner = [path.removeprefix(f"{name}.") for path in volatile if path.startswith(f"{name}.")]
    is_read = name in volatile
    return NamedValue(name, label, node, is_read, [] if is_read else [*map(path_label, inner)])


def path_label(path: str) -> str:
    """Return a label for a path: "Source: read at" for "source.read_at"."""
    first, *rest = [label_of(name) for name in path.split(".")]
    return ": ".join([first, *(name[:1].lower() + name[1:] for name in rest)])


def is_file(value: Any) -> bool:
    """Return True if the value has the keys, types and name of a description of a file."""
    if not isinstance(value, Mapping) or set(value) != set(OF_FILE):
        return False
    is_typed = all(type(value[name]) is kind for name, kind in OF_FILE.items())
    return is_typed and bool(value["name"]) and not {"/", "\0", "\n"} & set(value["name"])


def cell(value: Any) -> Node:
    """Return a value as a node for one cell; a mapping or list becomes collapsible JSON."""
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
    columns = [
        _column([cell(row[name]) if name in row else None for row in rows]) for name in names
    ]
    drawn = [[*cells] for cells in zip(*columns, strict=True)]
    named = [
        _named(name, labels[name], first, volatile)
        for name, first in zip(names, drawn[0], strict=True)
    ]
    return Node("table", named=named, rows=drawn)


def _column(cells: Sequence[Node | None]) -> list[Node | None]:
    """Return the cells of a column, aligned as numbers if all non-empty cells are numbers."""
    filled = [one for one in cells if one and one.shape not in ("none", "empty")]
    are_numbers = bool(filled) and all(one.is_number for one in filled)
    return [replace(one, is_number=are_numbers) if one else None for one in cells]


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
    """Return the label of each name, by name; that of "order_id" is "Order id".

    A name is its own label if it isn't in snake case, or if two names would have the same label.
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
    """Return the name, in quotation marks if it is empty or has a space at its beginning or end."""
    return name if name and name == name.strip() else json.dumps(name, ensure_ascii=False)


def pretty(value: Any) -> str:
    """Return a value as indented JSON; as JSON on one line if it has more than `DEEPEST` levels."""
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

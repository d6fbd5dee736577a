"""Conversion of the text that people type into form fields to values, and back."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from procedures.engine.errors import AnswerError, Fault
from procedures.engine.values.answers import is_group, is_rows, takes_nothing, without_nothing
from procedures.engine.values.attachments import is_file_schema
from procedures.engine.values.formats import format_duration
from procedures.engine.values.local_times import NoSuchTimeError, text_in_field, zoned
from procedures.engine.values.money import KEYWORD as CURRENCY
from procedures.engine.values.money import (
    AmbiguousAmountError,
    check_typed_amount,
    without_code,
)
from procedures.engine.values.reading import plain_float, plain_int
from procedures.engine.values.schemas import INSIDE, label, text_of
from procedures.engine.values.sent import BodyError, read_json

FieldKind = Literal[
    "text",
    "prose",
    "number",
    "date",
    "datetime-local",
    "time",
    "duration",
    "email",
    "url",
    "boolean",
    "choice",
    "choices",
    "list",
    "file",
    "files",
    "group",
    "rows",
    "json",
]
FORMATS: dict[str, FieldKind] = {
    "binary": "file",
    "date": "date",
    "date-time": "datetime-local",
    "time": "time",
    "duration": "duration",
    "email": "email",
    "uri": "url",
}
NESTED = ("group", "rows", "files")
MANY = ("list", "choices")
LINES = ("text", "prose", "number", "date", "time", "duration", "email", "url")
"""Kinds of fields that a list can consist of; people type the list with one item on each line."""
ZONE = "~zone"
"""The suffix of the name under which a page sends the time zone of a date and time: "due~zone"."""
ROW_KEY = re.compile(r"[0-9]{1,6}")
LINE_BREAK = re.compile(r"[\r\n]")
LONG_TEXT = 200
NOTHING: Any = object()
ABSENT: Any = object()
"""Stands for a property that the object shown at first lacks; its field was empty then."""
Texts = Callable[[str], Sequence[str]]
"""A function that takes the name of a field and returns the strings that were sent under it."""


def kind_of(schema: Mapping[str, Any]) -> FieldKind:
    """Return the kind of field that fits the schema; "json" if no simpler kind does."""
    may_be_nothing, schema = takes_nothing(schema), plain_schema(schema)
    if "enum" in schema or "const" in schema:
        return "choice"
    kind = schema.get("type", "")
    match kind:
        case "boolean" | "integer" | "number":
            # A checkbox can't say that nobody has chosen.
            plain: FieldKind = "choice" if may_be_nothing else "boolean"
            return plain if kind == "boolean" else "number"
        case "string":
            is_long = schema.get("maxLength", 0) > LONG_TEXT
            return FORMATS.get(schema.get("format", ""), "prose" if is_long else "text")
        case "array":
            return _list_kind(schema)
        case "object" if is_group(schema):
            return "group"
    return "json"


def kind_for(schema: Mapping[str, Any], texts: Iterable[str]) -> FieldKind:
    """Return the kind of field that fits the schema and can show these texts unchanged."""
    kind = kind_of(schema)
    # A browser removes line breaks from a field of one line.
    return "prose" if kind == "text" and any(LINE_BREAK.search(one) for one in texts) else kind


def plain_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without null; for a decimal, return only the branch for numbers."""
    plain = without_nothing(schema)
    forms = plain.get("anyOf", ())
    if {one.get("type") for one in forms} != {"number", "string"}:
        return plain
    return {**forms[0], **{name: one for name, one in plain.items() if name != "anyOf"}}


def texts_of(default: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return the strings that people would type to enter the default; several for a list."""
    if kind_of(schema) == "json" and default not in (None, {}, []):
        return [json.dumps(default, indent=2, ensure_ascii=False)]
    if default == {}:
        return []
    if kind_of(schema) == "duration" and isinstance(default, str):
        return [format_duration(default)]
    return [text_of(one) for one in (default if isinstance(default, list) else [default])]


def read(schema: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """Return the value that somebody has entered in one field; `texts` holds the sent strings.

    An invalid string is returned unchanged, so that the check of the whole answer refuses it.
    Raises `BodyError` if the text of a JSON field isn't valid JSON, and `AmbiguousAmountError`.
    """
    kind = kind_of(schema)
    if kind == "json":
        return read_json((list(texts) or [""])[-1].encode(errors="replace"))
    if kind == "choices":
        return [_read_one(schema.get("items", {}), text) for text in texts]
    if kind == "files":
        return [text for text in texts if text]
    if kind == "list":
        items = plain_schema(schema).get("items", {})
        lines = (line.strip() for text in texts for line in text.splitlines())
        return [_read_one(items, line) for line in lines if line]
    return _read_one(schema, with_line_feeds(texts[-1]) if texts else "")


def read_value(schema: Mapping[str, Any], name: str, texts: Texts, first: Any = NOTHING) -> Any:
    """Return the value of the field called `name`; the field may be a group, or rows of groups.

    `first` is the value that the field showed at first; by default, it is the schema's default. A
    field that nobody has changed keeps this value, even if its text doesn't say all of the value.
    Raises `AnswerError`, with a fault for the field, if the text of a JSON field isn't JSON, if a
    local time doesn't exist in its zone, or if the point in an amount may separate thousands.
    """
    kind, plain = kind_of(schema), without_nothing(schema)
    first = schema.get("default", NOTHING) if first is NOTHING else first
    if kind == "group":
        return read_fields(plain, texts, f"{name}.", first)
    if kind == "rows":
        rows = {str(at): one for at, one in enumerate(first if isinstance(first, list) else ())}
        return [
            read_fields(plain["items"], texts, f"{name}.{key}.", rows.get(key))
            for key in row_keys(texts(name))
        ]
    if is_unchanged(schema, first, texts(name), texts(name + ZONE)):
        return first
    try:
        value = read(schema, texts(name))
        return zoned(value, texts(name + ZONE)) if kind == "datetime-local" else value
    except (AmbiguousAmountError, BodyError, NoSuchTimeError) as error:
        words = error.about_text if isinstance(error, BodyError) else str(error)
        raise AnswerError(f"{name}: {words}", [Fault(name, words)]) from None


def is_empty(kind: FieldKind, sent: Sequence[str]) -> bool:
    """Return True if a field of this kind is empty: nothing was typed, chosen or ticked."""
    off = {"", "false"} if kind == "boolean" else {""}
    return all(text.strip() in off for text in sent)


def is_unchanged(
    schema: Mapping[str, Any], first: Any, sent: Sequence[str], zones: Sequence[str] = ()
) -> bool:
    """Return True if a page has sent just the texts with which it showed the value `first`.

    `first` is NOTHING if the field showed no value. `zones` holds the time zone that the page sent
    with a date and time.
    """
    kind = kind_of(schema)
    if (
        first in (NOTHING, ABSENT)
        or kind in NESTED
        or kind == "file"
        or not (sent or kind == "choices")
    ):
        return False
    shown = [with_line_feeds(text) for text in texts_of(first, schema)]
    if kind == "choices":
        options = map(text_of, values_of(plain_schema(plain_schema(schema).get("items", {}))))
        return list(sent) == [one for one in options if one in shown]
    if kind == "list":
        shown = ["\n".join(shown)]
    shown = [text_in_field(kind, text, (list(zones) or [""])[-1]) for text in shown]
    return with_line_feeds(sent[-1]) == (shown or [""])[-1]


def row_keys(texts: Sequence[str]) -> list[str]:
    """Return the keys of a list's rows in the order in which a page sent them, without duplicates.

    The key of a row is a number, such as "0", and a part of the names of the row's fields:
    "lines.0.price".
    """
    return [key for key in dict.fromkeys(texts) if ROW_KEY.fullmatch(key)]


def read_fields(
    schema: Mapping[str, Any], texts: Texts, prefix: str = "", first: Any = None
) -> dict[str, Any]:
    """Return the object that somebody has entered in the fields whose names begin with `prefix`.

    A prefix is for example "lines.0.". `first` is the object that the fields showed at first; where
    it has no value, they showed the defaults in the schema, or nothing. A required field that is
    empty is left out, so that the check of the whole answer reports the field as missing. Optional
    properties that `first` lacks are also left out if their fields are empty.
    """
    is_given = isinstance(first, Mapping)
    found, values = {}, first if is_given else {}
    for name, one in schema["properties"].items():
        is_required = name in schema.get("required", ())
        missing = ABSENT if is_given and not is_required else NOTHING
        shown = values.get(name, one.get("default", missing))
        value = _read_property(one, prefix + segment(name), texts, shown, is_required=is_required)
        if value is not NOTHING:
            found[name] = value
    return found


def _read_property(
    schema: Mapping[str, Any], name: str, texts: Texts, first: Any, *, is_required: bool
) -> Any:
    kind = kind_of(schema)
    if first is ABSENT and is_empty(kind, texts(name)):
        return NOTHING
    if is_unchanged(schema, first, texts(name), texts(name + ZONE)):
        return first
    if (
        kind == "group"
        and may_be_left_out(schema, is_required=is_required)
        and not any(texts(name))
    ):
        return None if takes_nothing(schema) else NOTHING
    is_list = kind in NESTED or (kind in MANY and not takes_nothing(schema))
    if is_list or not is_empty("text", texts(name)):
        return read_value(schema, name, texts, first)
    if takes_nothing(schema):
        return None
    # If somebody has emptied the field, the default must not return unnoticed.
    return "" if "default" in schema else NOTHING


def typed_fields(
    schema: Mapping[str, Any], texts: Texts, prefix: str = "", of: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each field, also inside groups, except for files.

    `prefix` is the beginning of each field's name, and `of` the beginning of each label.
    """
    for name, one in schema["properties"].items():
        at, words = prefix + segment(name), f"{of}{label(name, one)}"
        match kind_of(one):
            case "group":
                plain = without_nothing(one)
                yield from typed_fields(plain, texts, f"{at}.", f"{words}{INSIDE}")
            case "rows":
                items = without_nothing(one)["items"]
                for number, key in enumerate(row_keys(texts(at)), start=1):
                    inner = f"{words} {number}{INSIDE}"
                    yield from typed_fields(items, texts, f"{at}.{key}.", inner)
            case "file" | "files":
                continue
            case _:
                yield words, "\n".join(texts(at))


def may_be_left_out(schema: Mapping[str, Any], *, is_required: bool) -> bool:
    """Return True for the schema of an optional group, which people fill in after ticking a box."""
    is_optional = not is_required and "default" not in schema
    return takes_nothing(schema) or is_optional


def segment(name: str) -> str:
    """Return a property's name as one part of a field's name, in which dots separate the parts.

    In the name of the property, "~" becomes "~0" and "." becomes "~1".
    """
    return name.replace("~", "~0").replace(".", "~1")


def may_be_empty(name: str, schema: Mapping[str, Any]) -> bool:
    """Return True if the field called `name`, in an object with this schema, may be left empty."""
    one = schema["properties"][name]
    kind = kind_of(one)
    if takes_nothing(one) or kind in {"list", "choices"}:
        return True
    if kind == "files":
        return not without_nothing(one).get("minItems")
    is_emptied = kind in {"text", "prose"} or "default" not in one
    return is_emptied and name not in schema.get("required", ())


def with_line_feeds(text: str) -> str:
    """Return the text with LF at the end of each line; browsers send CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def values_of(schema: Mapping[str, Any]) -> Iterable[Any]:
    """Return the options of a schema; none if the schema has no options."""
    if schema.get("type") == "boolean":
        return (True, False)
    found: Iterable[Any] = schema.get("enum", [schema["const"]] if "const" in schema else ())
    return found


def _list_kind(schema: Mapping[str, Any]) -> FieldKind:
    items = schema.get("items", {})
    if is_file_schema(items):
        return "files"
    if is_rows(schema):
        return "rows"
    inner = kind_of(items)
    if inner == "choice" and not takes_nothing(items):
        return "choices"
    return "list" if inner in LINES else "json"


def _read_one(schema: Mapping[str, Any], text: str) -> Any:
    plain = without_nothing(schema)
    if CURRENCY in plain:
        text = without_code(text, plain[CURRENCY])
    check_typed_amount(text, plain_schema(schema))
    for option in values_of(plain):
        if text_of(option) == text:
            return option
    reader = READERS.get(plain.get("type", ""))
    try:
        return reader(text) if reader else text
    except (KeyError, ValueError):
        return text


READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": {"true": True, "false": False}.__getitem__,
    "integer": plain_int,
    "number": plain_float,
}
"""Functions that convert a string, by JSON type.

There is none for decimals: a decimal stays a string, so that no digit is lost.
"""

"""Conversion of the texts that people type into form fields to values, and back."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from procedures.engine.errors import AnswerError, Fault
from procedures.engine.values.answers import takes_nothing, without_nothing
from procedures.engine.values.reading import plain_float, plain_int
from procedures.engine.values.schemas import text_of
from procedures.engine.values.sent import BodyError, read_json

FieldKind = Literal[
    "text",
    "prose",
    "number",
    "date",
    "datetime-local",
    "time",
    "boolean",
    "choice",
    "choices",
    "list",
    "file",
    "json",
]
FORMATS: dict[str, FieldKind] = {
    "binary": "file",
    "date": "date",
    "date-time": "datetime-local",
    "time": "time",
}
LONG_TEXT = 200
NO_JSON = "This isn't valid JSON."


def kind_of(schema: Mapping[str, Any]) -> FieldKind:
    """Return the kind of field that fits the schema; "json" if no simpler one does."""
    schema = plain_schema(schema)
    if "enum" in schema or "const" in schema:
        return "choice"
    match schema.get("type"):
        case "boolean":
            return "boolean"
        case "integer" | "number":
            return "number"
        case "string":
            is_long = schema.get("maxLength", 0) > LONG_TEXT
            return FORMATS.get(schema.get("format", ""), "prose" if is_long else "text")
        case "array":
            return _list_kind(schema.get("items", {}))
    return "json"


def plain_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without its branch for None; of a decimal's two branches, the number."""
    plain = without_nothing(schema)
    forms = plain.get("anyOf", ())
    if {one.get("type") for one in forms} != {"number", "string"}:
        return plain
    return {**forms[0], **{name: one for name, one in plain.items() if name != "anyOf"}}


def texts_of(default: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return a default as the texts that somebody would type for it."""
    if kind_of(schema) == "json" and default not in (None, {}, []):
        return [json.dumps(default, indent=2, ensure_ascii=False)]
    if default == {}:
        return []
    return [text_of(one) for one in (default if isinstance(default, list) else [default])]


def read(schema: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """Return the value that the texts of a field stand for.

    An invalid text is returned unchanged, so that a later check refuses it. Raises `BodyError` if
    the text of a JSON field isn't valid JSON.
    """
    kind = kind_of(schema)
    if kind == "json":
        return read_json((list(texts) or [""])[-1].encode(errors="replace"))
    if kind == "choices":
        return [_read_one(schema.get("items", {}), text) for text in texts]
    if kind == "list":
        lines = (line.strip() for text in texts for line in text.splitlines())
        return [line for line in lines if line]
    return _read_one(schema, one_ending(texts[-1]) if texts else "")


def read_fields(
    schema: Mapping[str, Any], texts_named: Callable[[str], Sequence[str]]
) -> dict[str, Any]:
    """Return the object made from the texts of its fields.

    A required field that is empty is left out, so that a later check reports it as missing.
    """
    found = {}
    for name, one in schema["properties"].items():
        texts = texts_named(name)
        if any(text.strip() for text in texts) or kind_of(one) in {"list", "choices"}:
            found[name] = _read_field(name, one, texts)
        elif takes_nothing(one):
            found[name] = None
        elif "default" in one:
            found[name] = ""  # never the default behind the back of who has emptied the field
    return found


def _read_field(name: str, schema: Mapping[str, Any], texts: Sequence[str]) -> Any:
    try:
        return read(schema, texts)
    except BodyError:
        raise AnswerError(f"{name}: {NO_JSON}", [Fault(name, NO_JSON)]) from None


def may_be_empty(name: str, schema: Mapping[str, Any]) -> bool:
    """Return True if that field may be left empty; `schema` is the schema of the whole object."""
    one = schema["properties"][name]
    kind = kind_of(one)
    if takes_nothing(one) or kind in {"list", "choices"}:
        return True
    is_emptied = kind in {"text", "prose"} or "default" not in one
    return is_emptied and name not in schema.get("required", ())


def one_ending(text: str) -> str:
    """Return the text with line feeds as its line endings, which browsers send as CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def values_of(schema: Mapping[str, Any]) -> Iterable[Any]:
    """Return the values a schema offers to choose from."""
    found: Iterable[Any] = schema.get("enum", [schema["const"]] if "const" in schema else ())
    return found


def _list_kind(items: Mapping[str, Any]) -> FieldKind:
    inner = kind_of(items)
    if inner == "choice":
        return "choices"
    return "list" if inner in {"text", "prose", "number", "date"} else "json"


def _read_one(schema: Mapping[str, Any], text: str) -> Any:
    plain = without_nothing(schema)
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
"""Functions that convert a text, by JSON type; a decimal stays a text and loses no digit."""

"""Values of the texts that people type into the fields of a form."""

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
NO_JSON = "This is not JSON."


def kind_of(schema: Mapping[str, Any]) -> FieldKind:
    """Return the kind of field that fits the schema; JSON if no simple one does."""
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
    """Return the schema without its branch for None; a Decimal's two forms become the number."""
    plain = without_nothing(schema)
    forms = plain.get("anyOf", ())
    if {one.get("type") for one in forms} != {"number", "string"}:
        return plain
    return {**forms[0], **{name: one for name, one in plain.items() if name != "anyOf"}}


def texts_of(default: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return a default as somebody would have typed it."""
    if kind_of(schema) == "json" and default not in (None, {}, []):
        return [json.dumps(default, indent=2, ensure_ascii=False)]
    if default == {}:
        return []
    return [text_of(one) for one in (default if isinstance(default, list) else [default])]


def read(schema: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """Return the value that texts stand for; an invalid text stays one, to be refused later.

    Raises `BodyError` for a field of JSON that holds something else.
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
    """Return the object that the texts of its fields make.

    A required field that is empty is left out, and then found to be missing.
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
    """Return True if that field of an object's schema may be left empty."""
    one = schema["properties"][name]
    kind = kind_of(one)
    if takes_nothing(one) or kind in {"list", "choices"}:
        return True
    is_emptied = kind in {"text", "prose"} or "default" not in one
    return is_emptied and name not in schema.get("required", ())


def one_ending(text: str) -> str:
    """Return the text with line feeds; browsers end a line with two characters."""
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
"""Readers by type; a decimal stays a text, so that no digit is lost."""

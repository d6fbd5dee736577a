"""The fields of a form, made from JSON Schemas, and the values of what people type into them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from procedures.engine.values.answers import limits, without_nothing
from procedures.engine.values.choices import FORMAT as SITE_CHOICE
from procedures.engine.values.files import File
from procedures.engine.values.reading import plain_float, plain_int
from procedures.engine.values.schemas import humanize_name, label, text_of

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
ATTRIBUTES = {"minLength": "minlength"}
"""HTML attributes by rule.

There is no `maxlength`, with which browsers silently cut pasted text.
"""
LONG_TEXT = 200


@dataclass(frozen=True)
class Field:
    """One input as a form shows it."""

    name: str
    """The name under which it is sent."""
    label: str
    kind: FieldKind
    id: str = ""
    help: str = ""
    limits: Sequence[str] = ()
    """The limits on its value, in sentences."""
    is_required: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the HTML input: inputmode, maxlength and so on."""
    options: Sequence[tuple[str, str]] = ()
    value: str = ""
    values: Sequence[str] = ()
    faults: Sequence[str] = ()
    has_focus: bool = False
    kept: File | None = None
    """A file from an earlier attempt."""
    kept_token: str = ""

    @property
    def blank(self) -> str:
        """The text of an untouched choice."""
        return "" if self.is_required and self.value else "Choose…" if self.is_required else "—"


def field_of(
    name: str,
    schema: Mapping[str, Any],
    texts: Sequence[str],
    *,
    is_required: bool,
    faults: Sequence[str] = (),
) -> Field:
    """Return the field with these texts in it, under its own name."""
    kind, options = kind_of(schema), _options(schema)
    if kind == "choice" and len(options) == 1 and is_required:
        texts = [options[0][0]]
    return Field(
        name,
        label(name, schema),
        kind,
        id=name,
        help=schema.get("description", ""),
        limits=limits(schema),
        is_required=is_required,
        attributes=_attributes(schema, kind),
        options=options,
        value="\n".join(texts) if kind == "list" else (list(texts) or [""])[-1],
        values=texts,
        faults=[fault[:1].upper() + fault[1:] for fault in faults],
    )


def texts_of(default: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return a default as somebody would have typed it."""
    if kind_of(schema) == "json" and default not in (None, {}, []):
        return [json.dumps(default, indent=2, ensure_ascii=False)]
    if default == {}:
        return []
    return [text_of(one) for one in (default if isinstance(default, list) else [default])]


def read(schema: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """Return the value that texts stand for; an invalid text stays one, to be refused later."""
    kind = kind_of(schema)
    if kind == "choices":
        return [_read_one(schema.get("items", {}), text) for text in texts]
    if kind == "list":
        lines = (line.strip() for text in texts for line in text.splitlines())
        return [line for line in lines if line]
    return _read_one(schema, one_ending(texts[-1]) if texts else "")


def _read_one(schema: Mapping[str, Any], text: str) -> Any:
    plain = without_nothing(schema)
    for option in _values(plain):
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


def one_ending(text: str) -> str:
    """Return the text with plain line ends, because browsers send two characters for each."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def kind_of(schema: Mapping[str, Any]) -> FieldKind:
    """Return the control that fits the schema, JSON if no simple one does."""
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
    """Return the schema without its branch for None; of a Decimal's two forms the number."""
    plain = without_nothing(schema)
    forms = plain.get("anyOf", ())
    if {one.get("type") for one in forms} != {"number", "string"}:
        return plain
    return {**forms[0], **{name: one for name, one in plain.items() if name != "anyOf"}}


def _list_kind(items: Mapping[str, Any]) -> FieldKind:
    inner = kind_of(items)
    if inner == "choice":
        return "choices"
    return "list" if inner in {"text", "prose", "number", "date"} else "json"


def _attributes(schema: Mapping[str, Any], kind: FieldKind) -> dict[str, Any]:
    """Return the HTML attributes; a number is typed as text, so that a bad one stays visible."""
    schema = plain_schema(schema)
    if kind == "number":
        return {"inputmode": "numeric" if schema.get("type") == "integer" else "decimal"}
    return {name: schema[rule] for rule, name in ATTRIBUTES.items() if rule in schema}


def _options(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    schema = plain_schema(schema)
    chosen = plain_schema(schema.get("items", {})) if schema.get("type") == "array" else schema
    spelled = str if chosen.get("format") == SITE_CHOICE else humanize_name
    return [(text_of(one), spelled(text_of(one))) for one in _values(chosen) if one is not None]


def _values(schema: Mapping[str, Any]) -> Iterable[Any]:
    found: Iterable[Any] = schema.get("enum", [schema["const"]] if "const" in schema else ())
    return found

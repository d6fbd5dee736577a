"""The fields of a form, drawn from JSON Schemas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procedures.engine.values.answers import limits
from procedures.engine.values.choices import FORMAT as SITE_CHOICE
from procedures.engine.values.files import File
from procedures.engine.values.schemas import humanize_name, label, text_of
from procedures.engine.values.typed import FieldKind, kind_of, plain_schema, values_of

ATTRIBUTES = {"minLength": "minlength"}
"""HTML attributes by rule.

There is no `maxlength`, with which browsers silently cut pasted text.
"""


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
    refused_by: str = ""
    """The id of what tells its fault, where the field does not tell it itself."""

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
    return [(text_of(one), spelled(text_of(one))) for one in values_of(chosen) if one is not None]

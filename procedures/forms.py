"""The form that starts a procedure, made from its signature, and what people typed into it."""

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal

from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest

from procedures.engine import canonical
from procedures.engine.choices import FORMAT as SITE_CHOICE
from procedures.engine.definition import Procedure as Definition
from procedures.engine.errors import Fault, InputError
from procedures.engine.files import File, file_desk
from procedures.files import ContentStore
from procedures.inputs import (
    BodyError,
    TooLargeError,
    property_schemas,
    read_files,
    read_json,
    types_of_inputs,
)

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
ATTRIBUTES = {
    "minimum": "min",
    "maximum": "max",
    "minLength": "minlength",
    "maxLength": "maxlength",
}
LONG_TEXT = 200
KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Field:
    """One input as a form shows it."""

    name: str
    label: str
    kind: FieldKind
    help: str = ""
    is_required: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of the HTML input: min, max, step and so on."""
    options: Sequence[tuple[str, str]] = ()
    value: str = ""
    values: Sequence[str] = ()
    faults: Sequence[str] = ()
    kept: File | None = None
    """A file that came with an earlier try."""
    kept_token: str = ""

    @property
    def blank(self) -> str:
        """What an untouched choice says."""
        return "" if self.is_required and self.value else "Choose…" if self.is_required else "—"


class StartForm:
    """The fields of a procedure, with what one person typed so far."""

    def __init__(self, definition: Definition, *, by: User, request: HttpRequest | None = None):
        self.definition = definition
        self.faults: tuple[Fault, ...] = ()
        self._by = by
        self._request = request
        self._schemas = property_schemas(definition)
        self._required = set(definition.schema.get("required", ()))
        self._may_be_nothing = {name for name, one in self._schemas.items() if _takes_nothing(one)}
        self._files: dict[str, File] = {}

    def inputs(self) -> dict[str, Any]:
        """The inputs still as texts; `InputError` for what cannot even be read."""
        request = self._request
        assert request
        try:
            sent = read_files(request, types_of_inputs(self.definition))
            self._files = self._kept_files() | {name: file for name, file in sent.items() if file}
        except TooLargeError as error:
            raise InputError([Fault(error.field, str(error))]) from None
        inputs, unread = self._read()
        if unread:
            raise InputError([*unread, *self._faults_beside(unread, inputs)])
        return inputs

    def _read(self) -> tuple[dict[str, Any], list[Fault]]:
        """What was sent, and what of it cannot be read."""
        inputs: dict[str, Any] = dict.fromkeys(self._required & self._may_be_nothing)
        unread: list[Fault] = []
        for name, schema in self._schemas.items():
            if kind_of(schema) == "file" or self._is_left_out(name, schema):
                continue
            try:
                inputs[name] = self._typed(name, schema)
            except InputError as error:
                unread += error.faults
        files = {name: self._files[name] for name in self._schemas if name in self._files}
        return inputs | files, unread

    def _faults_beside(self, unread: Sequence[Fault], inputs: Mapping[str, Any]) -> list[Fault]:
        """What else is wrong, so that all is told at once."""
        named = {fault.field for fault in unread}
        try:
            with file_desk(ContentStore()):
                self.definition.parse(inputs)
        except InputError as error:
            return [fault for fault in error.faults if fault.field not in named]
        return []

    def _kept_files(self) -> dict[str, File]:
        assert self._request
        tokens = {name: self._request.POST.get(f"-file-{name}", "") for name in self._schemas}
        kept = {name: self._kept_file(token) for name, token in tokens.items() if token}
        return {name: file for name, file in kept.items() if file}

    def _kept_file(self, token: str) -> File | None:
        try:
            return File(**signing.loads(token, salt=self._salt, max_age=KEPT_FOR))
        except signing.BadSignature:
            return None

    @property
    def _salt(self) -> str:
        """A file that one person sent is no other's."""
        return f"procedures.forms.file.{self._by.pk}"

    def _is_left_out(self, name: str, schema: Mapping[str, Any]) -> bool:
        """A field left empty has its default; a text or a list may be emptied on purpose."""
        assert self._request
        if any(text.strip() for text in self._request.POST.getlist(name)):
            return False
        is_text = kind_of(schema) in {"text", "prose"} and schema.get("type") == "string"
        may_be_empty = is_text or kind_of(schema) in {"list", "choices"}
        return name in self._required or not may_be_empty

    def _typed(self, name: str, schema: Mapping[str, Any]) -> Any:
        assert self._request
        texts = self._request.POST.getlist(name)
        match kind_of(schema):
            case "choices":
                return texts
            case "list":
                lines = (line.strip() for text in texts for line in text.splitlines())
                return [line for line in lines if line]
            case "json":
                return _json(name, texts[-1])
        return texts[-1] if texts else ""

    def fields(self) -> list[Field]:
        return [self._field(name, schema) for name, schema in self._schemas.items()]

    @property
    def general_faults(self) -> list[str]:
        """What is wrong with no one field."""
        return [f"{one.field} {one.message}" for one in self.faults if not self._is_ours(one)]

    def _is_ours(self, fault: Fault) -> bool:
        return fault.field.partition(".")[0] in self._schemas

    def _field(self, name: str, schema: dict[str, Any]) -> Field:
        kind = kind_of(schema)
        faults = [one.message for one in self.faults if one.field.partition(".")[0] == name]
        options = _options(schema)
        texts = self._texts(name, schema)
        if kind == "choice" and len(options) == 1 and name in self._required:
            texts = [options[0][0]]
        kept = None if faults else self._files.get(name)
        return Field(
            name,
            _label(name, schema),
            kind,
            help=schema.get("description", ""),
            is_required=name in self._required - self._may_be_nothing,
            attributes=_attributes(schema, kind),
            options=options,
            value="\n".join(texts) if kind == "list" else (texts or [""])[-1],
            values=texts,
            faults=[fault[:1].upper() + fault[1:] for fault in faults],
            kept=kept,
            kept_token=signing.dumps(asdict(kept), salt=self._salt) if kept else "",
        )

    def _texts(self, name: str, schema: Mapping[str, Any]) -> list[str]:
        if self._request:
            return self._request.POST.getlist(name)
        default = self._default(name, schema)
        if kind_of(schema) == "json" and default not in (None, {}, []):
            return [json.dumps(default, indent=2, ensure_ascii=False)]
        if default == {}:
            return []
        return [_text(one) for one in (default if isinstance(default, list) else [default])]

    def _default(self, name: str, schema: Mapping[str, Any]) -> Any:
        """A schema does not tell of defaults that each start gets a copy of, like lists."""
        default = inspect.signature(self.definition.fn).parameters[name].default
        is_copied = isinstance(default, list | dict | set)
        return canonical.jsonable(default) if is_copied else schema.get("default")


def kind_of(schema: Mapping[str, Any]) -> FieldKind:
    """Which control fits the schema; JSON where no simple one does."""
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
    """Without the branch for None; of a Decimal's two forms the number."""
    branches = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    types = {one.get("type") for one in branches}
    if len(branches) == 1 or types == {"number", "string"}:
        return {**branches[0], **{name: one for name, one in schema.items() if name != "anyOf"}}
    return dict(schema)


def _takes_nothing(schema: Mapping[str, Any]) -> bool:
    """An input that may be None is left empty to say so."""
    return any(one.get("type") == "null" for one in schema.get("anyOf", ()))


def _list_kind(items: Mapping[str, Any]) -> FieldKind:
    inner = kind_of(items)
    if inner == "choice":
        return "choices"
    return "list" if inner in {"text", "prose", "number", "date"} else "json"


def _label(name: str, schema: Mapping[str, Any]) -> str:
    """The author's title, else the name in words."""
    words, title = _words(name), str(schema.get("title", ""))
    return words if title.casefold() in {"", words.casefold()} else title


def _attributes(schema: Mapping[str, Any], kind: FieldKind) -> dict[str, Any]:
    schema = plain_schema(schema)
    found = {name: schema[rule] for rule, name in ATTRIBUTES.items() if rule in schema}
    if kind == "number":
        found["step"] = 1 if schema.get("type") == "integer" else "any"
    return found


def _options(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    schema = plain_schema(schema)
    chosen = plain_schema(schema.get("items", {})) if schema.get("type") == "array" else schema
    values: Iterable[Any] = chosen.get("enum", [chosen["const"]] if "const" in chosen else ())
    spelled = str if chosen.get("format") == SITE_CHOICE else _words
    return [(_text(value), spelled(_text(value))) for value in values if value is not None]


def _words(name: str) -> str:
    """A name of the code as people write it: "very_fast" is "Very fast"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _json(name: str, text: str) -> Any:
    try:
        return read_json(text.encode(errors="replace"))
    except BodyError:
        raise InputError([Fault(name, "is not JSON.")]) from None

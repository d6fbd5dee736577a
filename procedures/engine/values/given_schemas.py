"""Forms made from an author's JSON Schema; a documented subset of JSON Schema is supported.

A schema with anything outside the subset is refused when the question is asked, and the error gives
the path of the unsupported part. So no rule is silently ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from unicodedata import normalize

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic_core import SchemaError

from procedures.engine.errors import AnswerError
from procedures.engine.values import canonical
from procedures.engine.values.answers import VISIBLE, check_answer
from procedures.engine.values.attachments import ACCEPT, BINARY, LARGEST
from procedures.engine.values.formats import FORMATS
from procedures.engine.values.model_schemas import check_default
from procedures.engine.values.new_forms import LargeFormError, check_size
from procedures.engine.values.schemas import DEFS, LABELS, label, option_label, text_of
from procedures.engine.values.spelling import short_repr
from procedures.engine.values.visible import visible_line

MOST_LEVELS, MOST_FIELDS, MOST_OPTIONS = 8, 100, 500
LARGEST_SCHEMA = 64 * 1024
"""The maximum length of a schema's JSON in characters, before and after resolving references."""
LONGEST_PATTERN, LONGEST_MATCHED = 200, 10_000
LONGEST_NAME = 100
IGNORED = {"$schema", "$id", "$comment", "$defs", "examples", "deprecated"}
ABOUT = {"title", "description", "default"}
COUNTS = {"minLength", "maxLength", "minItems", "maxItems", LARGEST}
NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
KEYWORDS = {
    "string": {"minLength", "maxLength", "pattern", "format", "enum", "const", "oneOf"},
    "integer": {*NUMBERS, "enum", "const", "oneOf"},
    "number": {*NUMBERS, "enum", "const", "oneOf"},
    "boolean": set[str](),
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "object": {"properties", "required", "additionalProperties"},
}
"""The supported keywords by the type of a value; those in `ABOUT` are supported for every type."""
OF_FILE = {"format", ACCEPT, LARGEST}
RANGES = (
    *(("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum")),
    *(("exclusiveMinimum", "maximum"), ("minimum", "exclusiveMaximum")),
)


def given_form_schema(schema: Any) -> dict[str, Any]:
    """Return the schema of a form for an author's JSON Schema.

    The JSON Schema must be an object with properties. It may have at most 8 levels, 100 fields, 500
    options and 64 KB, and may refer only to its own `$defs`. A new form may show at most 500 fields
    and rows before anybody adds a row. Raises `ValueError`, with the path of the unsupported part,
    for any other schema.
    """
    if not isinstance(schema, Mapping) or "properties" not in schema:
        words = "a JSON Schema (a mapping) with properties"
        raise ValueError(f"A form needs {words}, not {short_repr(schema)}.")
    try:
        size = len(canonical.text_of(canonical.jsonable(schema)))
    except ValueError as error:
        raise ValueError(f"The schema can't be stored: {error}") from None
    if size > LARGEST_SCHEMA:
        raise ValueError(f"The schema has {size:,} characters; the limit is {LARGEST_SCHEMA:,}.")
    found = _Reader(schema.get("$defs", {})).read_form(schema)
    if (size := len(canonical.text_of(found))) > LARGEST_SCHEMA:
        words = f"With its references, the schema has {size:,} characters; the limit is "
        raise ValueError(f"{words}{LARGEST_SCHEMA:,}.")
    return found


class UnsupportedError(ValueError):
    """An error for a part of a JSON Schema that a form can't have."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'The schema'}: {message}")


@dataclass
class _Reader:
    """A reader of one JSON Schema, which counts the form's fields and options while it reads."""

    defs: Any
    fields: int = 0
    options: int = 0
    seen: list[str] = field(default_factory=list)
    """The names in `$defs` of the references that are being resolved."""

    def read_form(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(self.defs, Mapping):
            raise UnsupportedError("$defs", "must be an object.")
        found = self._read(schema, "", 1)
        if found.get("type") != "object":
            raise UnsupportedError("", 'a form needs "type": "object" and "properties".')
        try:
            check_size(found)
        except LargeFormError as error:
            raise UnsupportedError(error.path, error.words) from None
        return {name: one for name, one in found.items() if name not in ABOUT}

    def _read(self, schema: Any, path: str, level: int) -> dict[str, Any]:
        """Return the schema of a form's part, made from this part of the author's JSON Schema.

        References are resolved. `path` leads to the part from the whole JSON Schema, and `level` is
        the number of levels down to the part. Raises `UnsupportedError` for anything unsupported.
        """
        if not isinstance(schema, Mapping):
            raise UnsupportedError(path, f"must be an object, not {short_repr(schema)}.")
        if level > MOST_LEVELS:
            raise UnsupportedError(path, f"is nested more than {MOST_LEVELS} levels deep.")
        if "$ref" in schema:
            return self._referred(schema, path, level)
        inner, is_nullable = _without_null(schema, path)
        found = self._typed(inner, path, level)
        if is_nullable:
            about = {name: found.pop(name) for name in ABOUT - {"default"} if name in found}
            found = {"anyOf": [found, {"type": "null"}], **about}
        return self._with_words({**inner, **schema}, found, path)

    def _referred(self, schema: Mapping[str, Any], path: str, level: int) -> dict[str, Any]:
        reference = schema["$ref"]
        name = reference.removeprefix(DEFS) if isinstance(reference, str) else ""
        if not isinstance(reference, str) or reference == name or name not in self.defs:
            raise UnsupportedError(
                _inside(path, "$ref"),
                f"must refer to one of the schema's own $defs, not to {short_repr(reference)}.",
            )
        if name in self.seen or len(self.seen) >= MOST_LEVELS:
            words = f"refers to itself, or leads through more than {MOST_LEVELS} references."
            raise UnsupportedError(_inside(path, "$ref"), words)
        if others := schema.keys() - {"$ref", *ABOUT, *IGNORED}:
            raise UnsupportedError(
                _inside(path, min(map(str, others))), "can't be used beside $ref."
            )
        self.seen.append(name)
        # Drop the title of a shared type, which isn't the title of the field; models do the same.
        of_type = dict(_mapping(self.defs[name], path))
        of_type.pop("title", None)
        found = self._read(
            {**of_type, **{k: v for k, v in schema.items() if k != "$ref"}}, path, level
        )
        self.seen.pop()
        return found

    def _typed(self, schema: Mapping[str, Any], path: str, level: int) -> dict[str, Any]:
        kind = schema.get("type", _implied(schema))
        if not isinstance(kind, str) or kind not in KEYWORDS:
            words = f"must be one of the types {', '.join(KEYWORDS)}, not {short_repr(kind)}."
            raise UnsupportedError(_inside(path, "type"), words)
        allowed = OF_FILE if schema.get("format") == BINARY else KEYWORDS[kind]
        for name in schema:
            if name not in {*allowed, *ABOUT, *IGNORED, "type"}:
                raise UnsupportedError(_inside(path, name), f"isn't supported for {kind}.")
        rules = {name: one for name, one in schema.items() if name in allowed}
        _check_rules(rules, path)
        read = {"object": self._object, "array": self._array}.get(kind, self._plain)
        return read({"type": kind, **rules}, path, level)

    def _object(self, schema: dict[str, Any], path: str, level: int) -> dict[str, Any]:
        named = _mapping(schema.get("properties"), _inside(path, "properties"))
        if not named:
            raise UnsupportedError(_inside(path, "properties"), "must have at least one field.")
        if schema.get("additionalProperties", False) is not False:
            raise UnsupportedError(_inside(path, "additionalProperties"), "must be false.")
        required = _texts(schema.get("required", []), _inside(path, "required"))
        if unknown := [name for name in required if name not in named]:
            words = f"names {unknown[0]!r}, which isn't one of the properties."
            raise UnsupportedError(_inside(path, "required"), words)
        self.fields += len(named)
        if self.fields > MOST_FIELDS:
            raise UnsupportedError(path, f"there are more than {MOST_FIELDS} fields.")
        return {
            "type": "object",
            "properties": {
                name: self._field(name, one, path, level, is_required=name in required)
                for name, one in named.items()
            },
            "required": sorted(set(required)),
            "additionalProperties": False,
        }

    def _field(
        self, name: Any, schema: Any, path: str, level: int, *, is_required: bool
    ) -> dict[str, Any]:
        place = _inside(path, f"properties.{name}")
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UnsupportedError(place, "the name must consist of printable characters.")
        if len(name) > LONGEST_NAME:
            raise UnsupportedError(place, f"the name has more than {LONGEST_NAME} characters.")
        found = self._read(schema, place, level + 1)
        is_free = not {"enum", "format", "pattern", "minLength"} & found.keys()
        if is_required and is_free and found.get("type") == "string":
            # A required text must not be blank, as in a form made from a model.
            found["pattern"] = VISIBLE
        found["title"] = label(name, found)
        return found

    def _array(self, schema: dict[str, Any], path: str, level: int) -> dict[str, Any]:
        place = _inside(path, "items")
        if "items" not in schema:
            raise UnsupportedError(place, "is missing.")
        items = self._read(schema["items"], place, level + 1)
        if "anyOf" in items:
            raise UnsupportedError(place, "can't be null.")
        if items["type"] in {"array", "boolean"}:
            raise UnsupportedError(place, f"a list of {items['type']} values isn't supported.")
        is_nested = items["type"] == "object" or items.get("format") == BINARY
        if schema.get("uniqueItems") and is_nested:
            raise UnsupportedError(_inside(path, "uniqueItems"), "isn't supported for these items.")
        items.pop("default", None)
        return {**schema, "items": items}

    def _plain(self, schema: dict[str, Any], path: str, level: int) -> dict[str, Any]:
        labels = _labels(schema.pop("oneOf", None), path)
        values = schema.get("enum", list(labels) or None)
        if "const" in schema:
            values = [schema.pop("const")]
        if values is None:
            return schema
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise UnsupportedError(_inside(path, "enum"), "must be a list that isn't empty.")
        self.options += len(values)
        if self.options > MOST_OPTIONS:
            raise UnsupportedError(path, f"there are more than {MOST_OPTIONS} options.")
        _check_options(values, schema, path)
        words = {text: words for text, words in labels.items() if words}
        found = {"type": schema["type"], "enum": list(values), **({LABELS: words} if words else {})}
        _check_labels_differ(found, path)
        return found

    def _with_words(
        self, schema: Mapping[str, Any], found: dict[str, Any], path: str
    ) -> dict[str, Any]:
        """Check a part's title, description and default, and add them to `found`.

        `found` is the supported schema of the part.
        """
        for name in ("title", "description"):
            if name in schema:
                if not isinstance(schema[name], str):
                    raise UnsupportedError(_inside(path, name), "must be a string.")
                found[name] = visible_line(" ".join(schema[name].split()))
        if "default" in schema:
            try:
                found["default"] = check_default(schema["default"], found)
            except AnswerError as error:
                words = f"isn't a valid answer: {error}"
                raise UnsupportedError(_inside(path, "default"), words) from None
        return found


def _without_null(schema: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], bool]:
    """Return a part's schema without null among its types, and True if null was among them."""
    kind = schema.get("type")
    if isinstance(kind, list) and "null" in kind and len(kind) == 2:  # noqa: PLR2004 (one and null)
        return {**schema, "type": next(one for one in kind if one != "null")}, True
    if "anyOf" not in schema:
        return schema, False
    branches = schema["anyOf"] if isinstance(schema["anyOf"], list) else []
    others = [one for one in branches if one != {"type": "null"}]
    rest = {name: one for name, one in schema.items() if name != "anyOf"}
    is_plain = len(branches) == 2 and len(others) == 1 and isinstance(others[0], Mapping)  # noqa: PLR2004
    if not is_plain or rest.keys() - ABOUT - IGNORED or "$ref" in others[0]:
        words = 'can only be one type and {"type": "null"}, without other rules beside it.'
        raise UnsupportedError(_inside(path, "anyOf"), words)
    return {**others[0], **rest}, True


def _implied(schema: Mapping[str, Any]) -> str | None:
    """Return the type of a schema that has no `type`.

    The type is "string" if the schema lists options, else None.
    """
    return "string" if schema.keys() & {"enum", "const", "oneOf"} else None


def _check_rules(rules: Mapping[str, Any], path: str) -> None:
    for name, check in CHECKS.items():
        if name in rules and not check(rules[name]):
            raise UnsupportedError(_inside(path, name), f"can't be {short_repr(rules[name])}.")
    for least, most in RANGES:
        if least in rules and most in rules and rules[least] > rules[most]:
            raise UnsupportedError(_inside(path, most), f"is less than {least}.")
    if "pattern" in rules:
        _check_pattern(rules["pattern"], _inside(path, "pattern"))
        if rules.get("maxLength", LONGEST_MATCHED + 1) > LONGEST_MATCHED:
            words = f"needs a maxLength of at most {LONGEST_MATCHED:,} beside it."
            raise UnsupportedError(_inside(path, "pattern"), words)


def _check_pattern(pattern: Any, path: str) -> None:
    """Raise `UnsupportedError` for a pattern that can't be matched in linear time."""
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        words = f"must be a string of at most {LONGEST_PATTERN} characters"
        raise UnsupportedError(path, f"{words}, not {short_repr(pattern)}.")
    text: Any = Annotated[str, Field(pattern=pattern)]
    try:
        # Rust's engine has no look-around and no back references, so matching takes linear time.
        TypeAdapter(text, config=ConfigDict(regex_engine="rust-regex"))
    except SchemaError:
        raise UnsupportedError(path, "isn't a pattern that can be matched safely.") from None


def _labels(options: Any, path: str) -> dict[Any, str]:
    """Return the labels in a `oneOf` by the values of the options; "" for an option without title.

    `options` is the `oneOf`, such as `[{"const": "a", "title": "Apples"}]`.
    """
    if options is None:
        return {}
    place = _inside(path, "oneOf")
    if not isinstance(options, list) or not options:
        raise UnsupportedError(place, "must be a list of options that isn't empty.")
    found: dict[Any, str] = {}
    for number, one in enumerate(options):
        is_option = isinstance(one, Mapping) and one.keys() <= {"const", "title"}
        if not is_option or not isinstance(one.get("const"), str):
            words = 'must be an option like {"const": "a", "title": "Apples"}.'
            raise UnsupportedError(f"{place}.{number}", words)
        if not isinstance(one.get("title", ""), str):
            raise UnsupportedError(f"{place}.{number}.title", "must be a string.")
        if one["const"] in found:
            raise UnsupportedError(f"{place}.{number}.const", "appears twice.")
        found[one["const"]] = visible_line(one.get("title", "").strip())
    return found


def _check_options(values: Sequence[Any], schema: Mapping[str, Any], path: str) -> None:
    place, seen = _inside(path, "enum"), set[str]()
    for number, value in enumerate(values):
        try:
            check_answer(value, {name: one for name, one in schema.items() if name != "enum"})
        except AnswerError as error:
            raise UnsupportedError(f"{place}.{number}", f"isn't a valid value: {error}") from None
        text = canonical.text_of(value)
        if text in seen or not str(value).strip() or not str(value).isprintable():
            words = "is empty, appears twice, or has invisible characters."
            raise UnsupportedError(f"{place}.{number}", words)
        seen.add(text)


def _check_labels_differ(schema: Mapping[str, Any], path: str) -> None:
    """Raise `UnsupportedError` if two options have labels that look the same to people."""
    seen = set[str]()
    for value in schema["enum"]:
        words = option_label(text_of(value), schema)
        plain = " ".join(normalize("NFC", words).casefold().split())
        if plain in seen:
            raise UnsupportedError(path, f"has two options that look alike: {short_repr(words)}.")
        seen.add(plain)


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnsupportedError(path, f"must be an object, not {short_repr(value)}.")
    return value


def _texts(value: Any, path: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UnsupportedError(path, "must be a list of strings.")
    return value


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63


def _is_step(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_media_types(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and "/" in one for one in value)


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(COUNTS, _is_count),
    **dict.fromkeys(NUMBERS - {"multipleOf"}, _is_number),
    "multipleOf": _is_step,
    "uniqueItems": lambda value: isinstance(value, bool),
    "format": lambda value: isinstance(value, str) and value in {*FORMATS, BINARY},
    ACCEPT: _is_media_types,
}

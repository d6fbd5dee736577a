"""JSON Schemas of answers: how they are made from types, and how they read in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import PydanticUserError

from procedures.engine.errors import AnswerError
from procedures.engine.values import canonical
from procedures.engine.values.answers import DECIMAL, VISIBLE, check_answer, without_nothing
from procedures.engine.values.answers import LIMITS as ANSWER_LIMITS
from procedures.engine.values.inspection import FIELDS, WRAPPERS, Part, inspect_type, unserved
from procedures.engine.values.served import adapter
from procedures.engine.values.spelling import short_repr

RULES = {"pattern", "uniqueItems", *ANSWER_LIMITS}
"""JSON Schema keywords that limit a value beyond its type."""
LIMITS = {"gt", "ge", "lt", "le", "multiple_of", "decimal_places"}
LENGTHS = {"min_length", "max_length"}
ITEMS = {"str", "literal", "enum"}
CHECKED: dict[str, set[str]] = {
    "str": {*LENGTHS, "pattern"},
    "int": LIMITS,
    "float": LIMITS,
    "decimal": LIMITS,
    "bool": set(),
    "date": set(),
    "literal": {"expected"},
    "enum": {"cls", "members", "sub_type", "missing"},
    "list": {*LENGTHS, "items_schema"},
    "set": {*LENGTHS, "items_schema"},
}
"""Types an answer may have, by Pydantic's names, each with the constraints a schema can check."""
ALSO_SAID = {"type", "metadata", "ref"}
KINDS = "a string, a number, a Decimal, a bool, a date, a choice, or a list of strings or choices"
STRICT = ("strict", True)
FUNCTION = "function-"


def unchecked(part: Part) -> list[str]:
    """Return the constraints of a type that a JSON Schema of an answer can't check."""
    return sorted(set(part.rules) - CHECKED.get(part.kind, set()) - ALSO_SAID)


def complete(schema: dict[str, Any], part: Part) -> None:
    """Add rules that Pydantic's schema lacks: texts aren't blank, decimals have a fixed format."""
    if part.kind == "str":
        schema.setdefault("pattern", VISIBLE)
    if part.kind == "decimal":
        number, text, *_ = schema["anyOf"]
        text["pattern"] = DECIMAL
        if (places := part.rules.get("decimal_places")) is not None:
            number.setdefault("multipleOf", 10**-places)


def form_schema(model: Any) -> dict[str, Any]:
    """Return the schema of a form; the model accepts every answer that fits it.

    It contains the current defaults of the fields, because missing fields of an answer are filled
    in from the stored schema. Raises `ValueError` for a model that can't be a form.
    """
    if isinstance(model, Mapping | str):  # Pydantic would take it for a schema of its own
        words = f"A form must be a model, a dataclass or a TypedDict, not {short_repr(model)}."
        raise ValueError(words)  # noqa: TRY004
    if why := unserved(model):
        raise ValueError(f"{_name(model)} can't be a form: {why}.")
    try:
        types = adapter(model)
        schema, part = types.json_schema(), inspect_type(types)
    except PydanticUserError as error:
        raise ValueError(f"{_name(model)} can't be a form: {error}".partition("\n")[0]) from None
    if "$ref" in schema:
        raise ValueError(f"{_name(model)} can't be a form: it contains itself.")
    properties, required = properties_of(schema), sorted(schema.get("required", []))
    fields = _fields(model, part.inner if part.kind == "definitions" else part)
    if not fields or fields.keys() != properties.keys():
        raise ValueError(f"{_name(model)} has no fields that a form could show.")
    for name, field in fields.items():
        _finish(name, properties[name], field, is_required=name in required)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _fields(model: Any, part: Part) -> dict[str, Part]:
    """Return the fields of a model by their names in answers, which may be aliases."""
    if why := _looks_closer(part):
        raise ValueError(f"{_name(model)} can't be a form: answers can't be checked against {why}.")
    holder = part.inner if part.kind in {"model", "dataclass"} else part
    fields = (one for one in holder.parts if one.kind in FIELDS)
    # Answers come by the alias, as the JSON Schema has it, and not by the field's own name.
    return {str(one.rules.get("validation_alias", one.rules["name"])): one.inner for one in fields}


def _looks_closer(part: Part) -> str:
    """Return the model's first check beyond the types of its fields, as a phrase, or ""."""
    config = part.rules.get("config", {})
    rules = [name for name in config if name.startswith("str_") or (name, config[name]) == STRICT]
    if rules:
        return f"its {rules[0]}"
    inner = part.inner.kind if part.parts else ""
    if part.rules.get("custom_init") or FUNCTION in {part.kind[:9], inner[:9]}:
        return "its validator"
    return "its __post_init__" if part.rules.get("post_init") else ""


def _finish(name: str, schema: dict[str, Any], part: Part, *, is_required: bool) -> None:
    """Complete a field's schema with its label, its default, and rules that Pydantic leaves out."""
    inner = _bare(part)
    if why := _unfit(inner):
        raise ValueError(f"{name} can't be a field of a form: {why}.")
    if inner.kind != "str" or is_required:
        complete(schema, inner)
    schema["title"] = label(name, schema)
    if part.kind == "default":
        schema["default"] = _default(name, part.rules)
        try:
            check_answer(schema["default"], schema)
        except AnswerError as error:
            raise ValueError(f"The default of {name} is not a valid answer: {error}") from None


def _bare(part: Part) -> Part:
    """Return the type inside wrappers such as a default or `| None`."""
    return _bare(part.inner) if part.kind in WRAPPERS else part


def _unfit(part: Part) -> str:
    if part.kind.startswith(FUNCTION):
        return "answers can't be checked against a validator"
    if part.kind not in CHECKED:
        return f"a field must be {KINDS}, not {part.kind}"
    if rules := unchecked(part):
        return f"answers can't be checked against {', '.join(rules)}"
    if not part.parts:
        return ""
    items = _bare(part.inner)
    return _unfit(items) if items.kind in ITEMS else f"a field must be {KINDS}"


def _default(name: str, rules: Mapping[str, Any]) -> Any:
    if rules.get("default_factory_takes_data"):
        raise ValueError(f"The default of {name} must not depend on other fields.")
    value = rules["default_factory"]() if "default_factory" in rules else rules["default"]
    return canonical.jsonable(value)


def _name(model: Any) -> str:
    return str(getattr(model, "__name__", "")) or short_repr(model)


# What a schema says


def properties_of(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schema of each of an object's properties, with references resolved."""
    defs: Mapping[str, Any] = schema.get("$defs", {})
    return {name: _resolved(one, defs) for name, one in schema.get("properties", {}).items()}


def without_defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's schema without the defaults of its fields."""
    fields = {
        field: {name: one for name, one in about.items() if name != "default"}
        for field, about in schema["properties"].items()
    }
    return {**schema, "properties": fields}


def without_rules(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without limits on the value, so that only its type is checked."""
    found = {name: one for name, one in schema.items() if name not in RULES}
    if schema.get("pattern") == DECIMAL:
        found["pattern"] = DECIMAL
    if "anyOf" in schema:
        found["anyOf"] = [without_rules(one) for one in schema["anyOf"]]
    if isinstance(schema.get("items"), Mapping):
        found["items"] = without_rules(schema["items"])
    return found


def _resolved(schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int = 3) -> dict[str, Any]:
    """Return the schema with references resolved, up to `depth` levels deep.

    The title of a referenced type doesn't become the title of a field.
    """
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    of_type = {key: one for key, one in defs.get(name, {}).items() if key != "title"}
    resolved = {**of_type, **schema}
    if depth:
        resolved.pop("$ref", None)
    if depth and isinstance(items := resolved.get("items"), Mapping):
        resolved["items"] = _resolved(items, defs, depth - 1)
    if depth and "anyOf" in resolved:
        resolved["anyOf"] = [_resolved(one, defs, depth - 1) for one in resolved["anyOf"]]
    return resolved


def label(name: str, schema: Mapping[str, Any]) -> str:
    """Return the field's title if the author gave one, or else its name in words."""
    humanized, title = humanize_name(name), str(schema.get("title", ""))
    return humanized if title.casefold() in {"", humanized.casefold()} else title


def humanize_name(name: str) -> str:
    """Return a name from the code as people write it: "very_fast" becomes "Very fast"."""
    humanized = name.replace("_", " ").strip()
    return humanized[:1].upper() + humanized[1:]


def text_of(value: Any) -> str:
    """Return a value as the text that an HTML form sends."""
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical.text_of(value)


def format_value(value: Any, schema: Mapping[str, Any]) -> str:
    """Return a field's answer in words; a list has a line for each item."""
    if isinstance(value, list):
        return "\n".join(format_value(one, schema.get("items", {})) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    is_option = "enum" in (plain := without_nothing(schema)) or "const" in plain
    return humanize_name(text_of(value)) if is_option else text_of(value)


def answers(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the label and the value in words of each field in a form's answer."""
    for name, one in schema["properties"].items():
        if name in value:
            yield label(name, one), format_value(value[name], one)

"""JSON Schemas of answers: their references and fields, and the values of fields in words."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from procedures.engine.values import canonical
from procedures.engine.values.answers import DECIMAL, HINTS, is_group, is_rows, without_nothing
from procedures.engine.values.attachments import format_size, is_file_schema
from procedures.engine.values.formats import format_date, format_duration, format_moment
from procedures.engine.values.money import KEYWORD as CURRENCY

LABELS = "labels"
"""The keyword in a field's schema whose value maps each option to its label."""
RULES = {"pattern", "uniqueItems", *HINTS}
"""JSON Schema keywords that limit a value beyond its type."""
DEFS = "#/$defs/"
INSIDE = " / "
"""The separator between the label of a group and the label of a field in it: "Address / City"."""


class ContainsItselfError(ValueError):
    """An error for a schema that refers to itself, so that its references can't be resolved."""


def properties_of(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schema of each property of an object by name, with references resolved.

    If the type of a property contains itself, the references inside that type are not resolved.
    """
    defs: Mapping[str, Any] = schema.get("$defs", {})
    found = {}
    for name, one in schema.get("properties", {}).items():
        try:
            found[name] = _resolved(one, defs, ())
        except ContainsItselfError:
            found[name] = _first_level(one, defs)
    return found


def _first_level(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with its own references resolved, but not those inside referenced types."""
    found = dict(schema)
    if "anyOf" in found:
        found["anyOf"] = [_first_level(one, defs) for one in found["anyOf"]]
    if isinstance(items := found.get("items"), Mapping):
        found["items"] = _first_level(items, defs)
    of_type = defs.get(str(found.pop("$ref", "")).removeprefix(DEFS), {})
    return {**{key: one for key, one in of_type.items() if key != "title"}, **found}


def resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with its references resolved.

    Raises `ContainsItselfError` if a type contains itself.
    """
    return _resolved(schema, schema.get("$defs", {}), ())


def without_defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's schema without the defaults of its fields."""
    return {**schema, "properties": _each(schema["properties"], _without_default)}


def _without_default(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: one for name, one in schema.items() if name != "default"}
    if "anyOf" in found:
        found["anyOf"] = [_without_default(one) for one in found["anyOf"]]
    if is_rows(found):
        found["items"] = _without_default(found["items"])
    return without_defaults(found) if is_group(found) else found


def _each(properties: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: change(one) for name, one in properties.items()}


def inner_fields(schema: Mapping[str, Any]) -> list[list[str]]:
    """Return the names of the fields of each object inside a form, in the author's order."""
    found = []
    for one in schema["properties"].values():
        inner = group_in(one)
        if inner:
            found += [list(inner["properties"]), *inner_fields(inner)]
    return found


def count_fields(schema: Mapping[str, Any]) -> int:
    """Return the number of fields of a form, including nested fields."""
    inner = (group_in(one) for one in schema["properties"].values())
    return len(schema["properties"]) + sum(count_fields(one) for one in inner if one)


def group_in(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the object in a field, or of the objects in a list.

    Returns {} for a field that holds neither.
    """
    plain = without_nothing(schema)
    one = plain["items"] if is_rows(plain) else plain
    return one if is_group(one) else {}


def without_rules(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without limits such as `maxLength`, so that it checks only the type."""
    found = {name: one for name, one in schema.items() if name not in RULES}
    if schema.get("pattern") == DECIMAL:
        found["pattern"] = DECIMAL
    if "anyOf" in schema:
        found["anyOf"] = [without_rules(one) for one in schema["anyOf"]]
    if isinstance(schema.get("items"), Mapping):
        found["items"] = without_rules(schema["items"])
    return found


def _resolved(
    schema: Mapping[str, Any], defs: Mapping[str, Any], seen: tuple[str, ...]
) -> dict[str, Any]:
    """Return the schema with references resolved.

    `seen` holds the names of the types inside which this schema stands, so that a type which
    contains itself is noticed. The title of a referenced type doesn't become the title of a field.
    """
    found = dict(schema)
    if reference := found.pop("$ref", None):
        name = str(reference).removeprefix(DEFS)
        if name in seen:
            raise ContainsItselfError(name)
        seen = (*seen, name)
        of_type = {key: one for key, one in defs.get(name, {}).items() if key != "title"}
        return {**_resolved(of_type, defs, seen), **found}
    if isinstance(items := found.get("items"), Mapping):
        found["items"] = _resolved(items, defs, seen)
    if "anyOf" in found:
        found["anyOf"] = [_resolved(one, defs, seen) for one in found["anyOf"]]
    if isinstance(named := found.get("properties"), Mapping):
        found["properties"] = {name: _resolved(one, defs, seen) for name, one in named.items()}
    return found


def label(name: str, schema: Mapping[str, Any]) -> str:
    """Return the field's title if the author gave one, or else its name in words."""
    humanized, title = humanize_name(name), str(schema.get("title", ""))
    return humanized if title.casefold() in {"", humanized.casefold()} else title


def humanize_name(name: str) -> str:
    """Return a name from the code as people write it: "very_fast" becomes "Very fast"."""
    humanized = name.replace("_", " ").strip()
    return humanized[:1].upper() + humanized[1:]


def text_of(value: Any) -> str:
    """Return a value as the text that an HTML form sends for it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical.text_of(value)


def format_value(value: Any, schema: Mapping[str, Any]) -> str:
    """Return the value of an answer's field in words; a list has a line for each item."""
    if isinstance(value, list):
        return "\n".join(format_value(one, schema.get("items", {})) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    plain, text = without_nothing(schema), text_of(value)
    if is_file_schema(plain) and isinstance(value, Mapping):
        return f"{value['name']} ({format_size(value['size'])})"
    if text and (special := IN_WORDS.get(plain.get("format", ""))):
        return special(text)
    if text and CURRENCY in plain:
        return f"{text} {plain[CURRENCY]}"
    return option_label(text, plain) if "enum" in plain or "const" in plain else text


IN_WORDS = {"duration": format_duration, "date-time": format_moment, "date": format_date}


def option_label(text: str, schema: Mapping[str, Any]) -> str:
    """Return the label of the option with this value.

    If the option has no label, returns the value in words.
    """
    labels: Mapping[str, str] = schema.get(LABELS, {})
    return labels.get(text) or humanize_name(text)


def answers(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the label of each field in a form's answer, with the field's value in words.

    The label of a field in a group begins with the label of the group: "Address / City". In a list
    of groups, the number of the group follows: "Lines 2 / Price" is the price in the second of the
    lines.
    """
    for name, one in schema["properties"].items():
        if name in value:
            yield from _answer(value[name], one, label(name, one))


def _answer(value: Any, schema: Mapping[str, Any], of: str) -> Iterator[tuple[str, str]]:
    group, plain = group_in(schema), without_nothing(schema)
    if group and isinstance(value, list) and value:
        for number, one in enumerate(value, start=1):
            yield from _answer(one, group, f"{of} {number}")
    elif group and isinstance(value, Mapping):
        for inner, text in answers(value, group):
            yield f"{of}{INSIDE}{inner}", text
    else:
        yield of, format_value(value, plain)

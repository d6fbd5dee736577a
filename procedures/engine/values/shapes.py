"""A JSON-serialisable subset of a type's schema, to validate values without the code."""

from collections.abc import Mapping
from typing import Any

from pydantic import PydanticUserError, ValidationError
from pydantic_core import SchemaError, SchemaValidator

from procedures.engine.errors import AnswerError
from procedures.engine.values import canonical
from procedures.engine.values.faults import fault_of

Shape = dict[str, Any]
"""A part of Pydantic's core schema of a type."""
ANYTHING: Shape = {"type": "any"}
LEAVES = {
    *("int", "float", "decimal", "bool", "str", "none", "literal", "uuid"),
    *("date", "time", "datetime", "timedelta"),
}
BESIDE = {"metadata", "ref", "serialization"}
INNER = ("schema", "items_schema", "keys_schema", "values_schema")
HOLDERS: dict[str, tuple[str, ...]] = {
    "nullable": (),
    "default": (),
    "union": (),
    "list": ("min_length", "max_length"),
    "dict": ("min_length", "max_length"),
    "model-fields": (),
    "typed-dict": ("total",),
    "dataclass-args": ("dataclass_name",),
    "model-field": ("validation_alias",),
    "typed-dict-field": ("validation_alias", "required"),
    "dataclass-field": ("validation_alias", "name", "kw_only", "init"),
}
"""Types that hold other types, and the rules of each that are kept."""


def shape_of(hint: Any) -> Shape:
    """Return the shape of a type, never stricter than it: what only its code checks is open."""
    try:
        return _shape(canonical.adapter(hint).core_schema)
    except PydanticUserError:
        return ANYTHING


def check_shape(value: Any, shape: Shape) -> None:
    """Raise `AnswerError` if no type of that shape accepts the value."""
    try:
        text = canonical.text_of(value)
    except ValueError as error:
        raise AnswerError(f"The value can't be stored. {error}") from None
    try:
        SchemaValidator(shape).validate_json(text, by_alias=True, by_name=True)
    except SchemaError:  # kept by another version of Pydantic
        return
    except ValidationError as error:
        faults = [fault_of(one, one["loc"]) for one in error.errors()]
        raise AnswerError(" ".join(_sentence(one.field, one.message) for one in faults)) from None


def _sentence(place: str, message: str) -> str:
    sentence = message if message[:1].isupper() else f"The value {message}"
    return f"{place}: {sentence}" if place else sentence


def _shape(core: Mapping[str, Any]) -> Shape:
    kind = core["type"]
    if core.get("config", {}).keys() - {"title"}:
        return ANYTHING
    if kind in {"model", "dataclass"} and not core.get("custom_init"):
        return _shape(core["schema"])
    if kind == "enum" and "missing" not in core:
        return _leaf({"type": "literal", "expected": [one.value for one in core["members"]]})
    if kind in LEAVES:
        return _leaf(core)
    return _holder(core) if kind in HOLDERS and "on_error" not in core else ANYTHING


def _holder(core: Mapping[str, Any]) -> Shape:
    kind = core["type"]
    shape: Shape = {name: core[name] for name in ("type", *HOLDERS[kind]) if name in core}
    shape |= {name: _shape(core[name]) for name in INNER if name in core}
    if kind == "default":
        shape["default"] = None
    if kind == "union":
        shape["choices"] = [_shape(one) if "type" in one else ANYTHING for one in core["choices"]]
    if isinstance(fields := core.get("fields"), dict):
        shape["fields"] = {name: _shape(one) for name, one in fields.items()}
    elif fields is not None:
        shape["fields"] = [_shape(one) for one in fields]
    return shape


def _leaf(core: Mapping[str, Any]) -> Shape:
    if not isinstance(core.get("pattern", ""), str):  # its flags would be lost
        return ANYTHING
    try:
        plain = canonical.jsonable({name: core[name] for name in core if name not in BESIDE})
        SchemaValidator(plain)
    except (ValueError, SchemaError):
        return ANYTHING
    return dict(plain)

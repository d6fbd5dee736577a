"""Validation against the stored JSON Schema of a type, in a process without the type's code."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired, Union
from uuid import UUID

import pydantic
from pydantic import (
    AliasChoices,
    AliasPath,
    Field,
    PydanticUserError,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import SchemaError
from typing_extensions import TypedDict

from procedures.engine.errors import AnswerError
from procedures.engine.values import canonical
from procedures.engine.values.faults import fault_of
from procedures.engine.values.inspection import RULES, TEXT_RULES, inspect_type
from procedures.engine.values.served import adapter

Schema = Mapping[str, Any]
BY_TYPE = {"null": None, "boolean": bool, "integer": int, "number": float, "string": str}
BY_FORMAT = {
    "decimal": Decimal,
    "uuid": UUID,
    "time": time,
    "duration": timedelta,
    "date": date,
    "past-date": pydantic.PastDate,
    "future-date": pydantic.FutureDate,
    "date-time": datetime,
    "past-date-time": pydantic.PastDatetime,
    "future-date-time": pydantic.FutureDatetime,
    "aware-date-time": pydantic.AwareDatetime,
    "naive-date-time": pydantic.NaiveDatetime,
    **{f"{version}-uuid": getattr(pydantic, f"UUID{version}") for version in (1, 3, 4, 5)},
}


def shape_of(hint: Any) -> Schema:
    """Return the shape of a type: a JSON Schema that accepts every value of the type.

    For a part of the type that only the type's own code can check, the shape accepts any value.
    """
    try:
        return inspect_type(adapter(hint)).shape
    except PydanticUserError:
        return {}


def check_shape(value: Any, shape: Schema) -> None:
    """Raise `AnswerError` if the value doesn't fit the shape of its type.

    `shape` is what `shape_of` has returned for the type.
    """
    try:
        text = canonical.text_of(value)
    except ValueError as error:
        raise AnswerError(f"The value can't be stored. {error}") from None
    try:
        types = _reader(canonical.text_of(shape))
    except (PydanticUserError, SchemaError, TypeError):  # stored by another version of Pydantic
        return
    try:
        types.validate_json(text, by_alias=True, by_name=True)
    except ValidationError as error:
        faults = [fault_of(one, one["loc"]) for one in error.errors()]
        raise AnswerError(" ".join(_sentence(one.field, one.message) for one in faults)) from None


def _sentence(place: str, message: str) -> str:
    sentence = message if message[:1].isupper() else f"The value {message}"
    return f"{place}: {sentence}" if place else sentence


@lru_cache(maxsize=1024)
def _reader(text: str) -> TypeAdapter[Any]:
    """Return an adapter that accepts values that fit a shape; `text` is the shape's canonical JSON.

    The adapter is made of plain types, so that the author's types aren't needed.
    """
    return TypeAdapter(_type(canonical.value_of(text)))


def _type(schema: Schema) -> Any:
    if "anyOf" in schema:
        return Union[tuple(map(_type, schema["anyOf"]))]  # noqa: UP007 (members known at run time)
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    text = {name: schema[name] for name in TEXT_RULES if name in schema}
    rules = {name: schema[name] for name in RULES if name in schema}
    hint = Annotated[_plain(schema), StringConstraints(**text)] if text else _plain(schema)
    return Annotated[hint, Field(**rules)] if rules else hint


def _plain(schema: Schema) -> Any:
    if "properties" in schema:
        return _fields(schema)
    if schema.get("type") == "array":
        return list[_type(schema["items"])]  # type: ignore[misc]
    if schema.get("type") == "object":
        keys, values = schema.get("propertyNames", {}), schema["additionalProperties"]
        return dict[_type(keys), _type(values)]  # type: ignore[misc]
    if "format" in schema:
        return BY_FORMAT.get(schema["format"], Any)
    return BY_TYPE.get(schema.get("type", ""), Any)


def _fields(schema: Schema) -> Any:
    fields = {}
    for sent, one in schema["properties"].items():
        alias = Field(validation_alias=_alias(one.get("alias", sent)))
        hint: Any = Annotated[_type(one), alias]
        fields[one.get("name", sent)] = hint if sent in schema["required"] else NotRequired[hint]
    make: Any = TypedDict  # type checkers accept a TypedDict only as a class statement
    return make(schema["title"], fields)


def _alias(sent: Any) -> Any:
    """Return Pydantic's alias for a field.

    `sent` is the name under which the field is sent, or a path of names and numbers, or a list of
    such paths.
    """
    if isinstance(sent, str):
        return sent
    paths = sent if isinstance(sent[0], list) else [sent]
    return AliasChoices(*(AliasPath(*path) for path in paths))

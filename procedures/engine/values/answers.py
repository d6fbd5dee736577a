"""Validation of answers against the stored schema, with error messages for people."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, localcontext
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic_core import SchemaError

from procedures.engine.errors import AnswerError, Fault
from procedures.engine.values import canonical

WORDS = {
    "boolean": "yes or no (true or false)",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a set of named values",
}
VISIBLE = r"\S"
DECIMAL = r"^[+-]?[0-9]+(\.[0-9]+)?$"
DIGITS = 100
LARGEST = 2**63
"""The limit below which a number like 1e3 or 5.0 counts as a whole number."""
MUST_BE = "The answer must be"
A_DECIMAL = "a number like 31.20"
FORMATS = {"date": "a date like 2026-12-31"}
LIMITS = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems"),
)
"""JSON Schema keywords whose limits people are shown before they answer."""


def check_answer(value: Any, schema: dict[str, Any]) -> Any:
    """Return the value if the schema allows it; raises `AnswerError` otherwise."""
    try:
        canonical.text_of(value)
    except ValueError:
        words = "The answer contains characters or numbers that can't be stored."
        raise AnswerError(words) from None
    if value is None and takes_nothing(schema):
        return value
    schema = without_nothing(schema)
    try:
        # With the usual 28 digits a long number would be rounded and then pass a limit that it
        # breaks.
        with localcontext(prec=DIGITS):
            fault = _fault(_read(value, schema), _exact(schema))
    except ArithmeticError:
        raise AnswerError("The answer has too many digits.") from None
    if fault is None:
        return value
    place = ".".join(str(part) for part in fault.absolute_path)
    sentence = _sentence(str(fault.validator), fault.validator_value, schema)
    raise AnswerError(f"{place}: {sentence}" if place else sentence)


def check_form(value: Any, schema: dict[str, Any]) -> Any:
    """Return the form's answer if every field is valid.

    Raises `AnswerError` with a fault for each invalid field.
    """
    if not isinstance(value, dict):
        return check_answer(value, schema)
    properties = schema["properties"]
    faults = [
        Fault(name, "This is not a field of the form.") for name in value if name not in properties
    ]
    for name, one in properties.items():
        if name in value:
            faults += _faults(name, value[name], one)
        elif name in schema.get("required", ()):
            faults.append(Fault(name, "This is missing."))
    if faults:
        raise AnswerError(" ".join(f"{one.field}: {one.message}" for one in faults), faults)
    return value


def _faults(name: str, value: Any, schema: dict[str, Any]) -> list[Fault]:
    try:
        check_answer(value, schema)
    except AnswerError as error:
        return [Fault(name, str(error))]
    return []


def takes_nothing(schema: Mapping[str, Any]) -> bool:
    """Return True if None is a valid answer."""
    return any(one.get("type") == "null" for one in schema.get("anyOf", ()))


def without_nothing(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without its branch for None."""
    branches = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    rest = {name: one for name, one in schema.items() if name != "anyOf"}
    if len(branches) == 1:
        return {**branches[0], **rest}
    return {**rest, "anyOf": branches} if branches else rest


def limits(schema: Mapping[str, Any]) -> list[str]:
    """Return the limits on an answer, worded like the messages for answers that exceed them."""
    plain = without_nothing(schema)
    of_number = plain.get("anyOf", [{}])[0]  # a decimal's first form
    found = {rule: wanted for rule, wanted in {**of_number, **plain}.items() if rule in LIMITS}
    return [_sentence(rule, found[rule], plain) for rule in LIMITS if rule in found]


def _is_decimal(schema: dict[str, Any]) -> bool:
    branches = {one.get("type"): one for one in schema.get("anyOf", ())}
    return set(branches) == {"number", "string"} and branches["string"].get("pattern") == DECIMAL


def _read(value: Any, schema: dict[str, Any]) -> Any:
    """Return the answer with exact numbers; a decimal that was sent as text becomes a number."""
    if not _is_decimal(schema) or isinstance(value, bool):
        return _exact(value)
    if isinstance(value, str) and not re.fullmatch(DECIMAL, value):
        raise AnswerError(f"{MUST_BE} {A_DECIMAL}.")
    return Decimal(str(value)) if isinstance(value, str | int) else _exact(value)


def _exact(plain: Any) -> Any:
    # Through its text: 0.3 as a float isn't a multiple of 0.1, but the decimal that somebody typed
    # is one.
    return json.loads(json.dumps(plain), parse_float=Decimal)


def _is_whole(_: Any, value: Any) -> bool:
    if isinstance(value, Decimal):
        return abs(value) < LARGEST and value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    """Return True for a number; raises `OverflowError` for an integer too large for a float."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Decimal) or (is_integer and isfinite(value))


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str):
        try:
            _reader(pattern).validate_python(value)
        except ValueError:
            yield ValidationError(f"It doesn't match {pattern}.")


@lru_cache(maxsize=1024)
def _reader(pattern: str) -> TypeAdapter[str]:
    """Return an adapter that matches a pattern as Pydantic does: `$` matches only the very end."""
    text: Any = Annotated[str, Field(pattern=pattern)]
    try:
        return TypeAdapter(text)
    except SchemaError:  # a model may ask for the patterns of Python
        return TypeAdapter(text, config=ConfigDict(regex_engine="python-re"))


TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"integer": _is_whole, "number": _is_number}
)
Validator: Any = cast(Any, extend)(Draft202012Validator, {"pattern": _pattern}, type_checker=TYPES)


def _fault(value: Any, schema: dict[str, Any]) -> ValidationError | None:
    validator = Validator(schema, format_checker=FormatChecker(FORMATS))
    fault: ValidationError | None = best_match(validator.iter_errors(value))
    return fault


def _sentence(rule: str, wanted: Any, schema: dict[str, Any]) -> str:
    sentences: dict[str, Callable[[], str]] = {
        "type": lambda: f"{MUST_BE} {WORDS.get(wanted, wanted)}.",
        "enum": lambda: f"Choose one of: {', '.join(map(str, wanted))}.",
        "required": lambda: f"Fill in {' and '.join(wanted)}.",
        "additionalProperties": lambda: f"Use only {', '.join(schema.get('properties', {}))}.",
        "minLength": lambda: (
            "Write something." if wanted == 1 else f"At least {wanted} characters."
        ),
        "maxLength": lambda: f"At most {wanted} characters.",
        "minItems": lambda: f"Choose at least {wanted}.",
        "maxItems": lambda: f"Choose at most {wanted}.",
        "uniqueItems": lambda: "Choose each option once.",
        "minimum": lambda: f"At least {_plain(wanted)}.",
        "maximum": lambda: f"At most {_plain(wanted)}.",
        "exclusiveMinimum": lambda: f"More than {_plain(wanted)}.",
        "exclusiveMaximum": lambda: f"Less than {_plain(wanted)}.",
        "multipleOf": lambda: f"In steps of {_plain(wanted)}.",
        "format": lambda: f"{MUST_BE} {FORMATS.get(wanted, wanted)}.",
        "pattern": lambda: "Write something." if wanted == VISIBLE else f"It must match {wanted}.",
    }
    if _is_decimal(schema):
        sentences |= dict.fromkeys(("anyOf", "pattern"), lambda: f"{MUST_BE} {A_DECIMAL}.")
    sentence = sentences.get(rule)
    return sentence() if sentence else "This answer isn't valid."


def _plain(number: int | float | Decimal) -> str:
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

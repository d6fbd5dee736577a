"""Is this value an answer? Checked against the stored schema, with a sentence for the person."""

import json
import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match

from procedures.engine import canonical
from procedures.engine.errors import AnswerError

WORDS = {
    "boolean": "yes or no (true or false)",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a set of named values",
}
VISIBLE = r"\S"
DECIMAL = r"^[+-]?[0-9]+(\.[0-9]+)?$"
DIGITS = 100
A_DECIMAL = "a number like 31.20"
FORMATS = {"date": "a date like 2026-12-31"}


def check_answer(value: Any, schema: dict[str, Any], *, what: str = "answer") -> Any:
    """The value itself, if the schema allows it; else `AnswerError`. `what` it is called there."""
    try:
        canonical.text_of(value)
    except ValueError:
        words = f"The {what} holds characters or numbers that cannot be kept."
        raise AnswerError(words) from None
    fault = _decimal_fault(value, schema, what) if _is_decimal(schema) else _fault(value, schema)
    if fault is None:
        return value
    place = ".".join(str(part) for part in fault.absolute_path)
    sentence = _sentence(str(fault.validator), fault.validator_value, schema, what)
    raise AnswerError(f"{place}: {sentence}" if place else sentence)


def _is_decimal(schema: dict[str, Any]) -> bool:
    return {one.get("type") for one in schema.get("anyOf", ())} == {"number", "string"}


def _decimal_fault(value: Any, schema: dict[str, Any], what: str) -> ValidationError | None:
    """A decimal may come as text, so that no digit is lost; the limits count all the same."""
    if isinstance(value, str) and not re.fullmatch(DECIMAL, value):
        raise AnswerError(f"The {what} must be {A_DECIMAL}.")
    read = Decimal(value) if isinstance(value, str) else _exact(value)
    try:
        with localcontext(prec=DIGITS):
            return _fault(read, _exact(schema))
    except ArithmeticError:
        raise AnswerError(f"The {what} has too many digits.") from None


def _exact(plain: Any) -> Any:
    return json.loads(json.dumps(plain), parse_float=Decimal)


def _fault(value: Any, schema: dict[str, Any]) -> ValidationError | None:
    validator = Draft202012Validator(schema, format_checker=FormatChecker(FORMATS))
    fault: ValidationError | None = best_match(validator.iter_errors(value))
    return fault


def _sentence(rule: str, wanted: Any, schema: dict[str, Any], what: str) -> str:
    must_be = f"The {what} must be"
    sentences: dict[str, Callable[[], str]] = {
        "type": lambda: f"{must_be} {WORDS.get(wanted, wanted)}.",
        "enum": lambda: f"Choose one of: {', '.join(map(str, wanted))}.",
        "required": lambda: f"Say {' and '.join(wanted)}.",
        "additionalProperties": lambda: f"Say only {', '.join(schema.get('properties', {}))}.",
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
        "format": lambda: f"{must_be} {FORMATS.get(wanted, wanted)}.",
        "pattern": lambda: "Write something." if wanted == VISIBLE else f"It must match {wanted}.",
    }
    if _is_decimal(schema):
        sentences |= dict.fromkeys(("anyOf", "pattern"), lambda: f"{must_be} {A_DECIMAL}.")
    sentence = sentences.get(rule)
    return sentence() if sentence else f"This {what} does not fit."


def _plain(number: int | float | Decimal) -> str:
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

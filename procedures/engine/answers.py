"""Is this value an answer? Checked against the stored schema, with a sentence for the person."""

from collections.abc import Callable
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
FORMATS = {"date": "a date like 2026-12-31"}


def check_answer(value: Any, schema: dict[str, Any]) -> Any:
    """The value itself, if the schema allows it; else `AnswerError`."""
    try:
        canonical.text_of(value)
    except ValueError:
        raise AnswerError("The answer holds characters or numbers that cannot be kept.") from None
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    fault: ValidationError | None = best_match(validator.iter_errors(value))
    if fault is None:
        return value
    place = ".".join(str(part) for part in fault.absolute_path)
    sentence = _sentence(str(fault.validator), fault.validator_value, schema)
    raise AnswerError(f"{place}: {sentence}" if place else sentence)


def _sentence(rule: str, wanted: Any, schema: dict[str, Any]) -> str:
    sentences: dict[str, Callable[[], str]] = {
        "type": lambda: f"The answer must be {WORDS.get(wanted, wanted)}.",
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
        "minimum": lambda: f"At least {wanted}.",
        "maximum": lambda: f"At most {wanted}.",
        "exclusiveMinimum": lambda: f"More than {wanted}.",
        "exclusiveMaximum": lambda: f"Less than {wanted}.",
        "format": lambda: f"The answer must be {FORMATS.get(wanted, wanted)}.",
        "pattern": lambda: "Write something." if wanted == VISIBLE else f"It must match {wanted}.",
        "anyOf": lambda: "The answer must be a number.",
    }
    sentence = sentences.get(rule)
    return sentence() if sentence else "This is no answer to the question."

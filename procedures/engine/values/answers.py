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
from procedures.engine.values.attachments import check_file, is_file_schema
from procedures.engine.values.formats import FORMATS, plain_duration

WORDS = {
    "boolean": "yes or no (true or false)",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "an object with named fields",
}
VISIBLE = r"\S"
DECIMAL = r"^[+-]?[0-9]+(\.[0-9]+)?$"
DIGITS = 100
MOST_ENTRIES = 10_000
"""The largest number of entries that a list in an answer may have."""
LARGEST = 2**63
"""The limit below which a number like 1e3 or 5.0 counts as a whole number."""
MUST_BE = "The answer must be"
A_DECIMAL = "a number like 31.20"
ONCE = "An option was chosen more than once. Choose each only once."


def check_answer(value: Any, schema: dict[str, Any]) -> Any:
    """Return the value in its stored form.

    Raises `AnswerError` if the schema doesn't allow the value. A duration is stored in ISO 8601,
    such as "PT2H", and a `File` as a JSON object with its name, digest, size and media type.
    """
    if value is None and takes_nothing(schema):
        return value
    schema = without_nothing(schema)
    if is_file_schema(schema):
        return check_file(value, schema)
    if isinstance(value, list) and len(value) > MOST_ENTRIES:
        words = f"The answer has {len(value):,} entries; the limit is {MOST_ENTRIES:,}."
        raise AnswerError(words)
    _check_count(value, schema)
    try:
        canonical.text_of(value)
    except ValueError:
        words = "The answer contains characters or numbers that can't be stored."
        raise AnswerError(words) from None
    try:
        # With the default precision of 28 digits, a long number would be rounded, and could then
        # pass a limit that it exceeds.
        with localcontext(prec=DIGITS):
            fault = _fault(_read(value, schema), _exact(schema))
    except ArithmeticError:
        raise AnswerError("The answer has too many digits.") from None
    if fault is None:
        return _stored(value, schema)
    place = ".".join(str(part) for part in fault.absolute_path)
    sentence = _sentence(str(fault.validator), fault.validator_value, schema)
    raise AnswerError(f"{place}: {sentence}" if place else sentence)


def _check_count(value: Any, schema: Mapping[str, Any]) -> None:
    """Raise `AnswerError` if a list that can't repeat an option has more entries than options."""
    options = schema.get("items", {}).get("enum", ())
    is_limited = bool(options) and schema.get("uniqueItems") and isinstance(value, list)
    if is_limited and len(value) > len(options):
        raise AnswerError(ONCE)


def check_form(value: Any, schema: dict[str, Any]) -> Any:
    """Return a form's answer in its stored form; raises `AnswerError` if a field is invalid.

    The error has a fault for each invalid field. A fault names the field by its path:
    "lines.0.price" is the field `price` of the first entry in the list `lines`.
    """
    if not isinstance(value, dict):
        return check_answer(value, schema)
    faults = list[Fault]()
    checked = _check_fields(value, schema, "", faults)
    if faults:
        raise AnswerError(" ".join(f"{one.field}: {one.message}" for one in faults), faults)
    return checked


def check_parts(value: Any, schema: dict[str, Any]) -> Any:
    """Check a value and each field or list entry inside it; return the value in its stored form.

    Raises `AnswerError` with a fault for each invalid field or entry.
    """
    faults = list[Fault]()
    checked = _check_part(value, schema, "", faults)
    if faults:
        named = (f"{one.field}: {one.message}" if one.field else one.message for one in faults)
        raise AnswerError(" ".join(named), [one for one in faults if one.field])
    return checked


def _check_fields(
    value: dict[str, Any], schema: dict[str, Any], path: str, faults: list[Fault]
) -> dict[str, Any]:
    """Return an object with its fields in their stored form; add a fault for each invalid field.

    The faults are added to `faults`. `path` is the path of the object followed by a dot, such as
    "lines.0."; it is "" for the whole form.
    """
    properties, required = schema["properties"], schema.get("required", ())
    unknown = (name for name in value if name not in properties)
    faults += [Fault(path + name, "This isn't a field of the form.") for name in unknown]
    found = {name: one for name, one in value.items() if name not in properties}
    for name, one in properties.items():
        if name in value:
            found[name] = _check_part(value[name], one, path + name, faults)
        elif name in required:
            faults.append(Fault(path + name, "This is missing."))
    return found


def _check_part(value: Any, schema: dict[str, Any], path: str, faults: list[Fault]) -> Any:
    plain = without_nothing(schema)
    if is_group(plain) and isinstance(value, dict):
        return _check_fields(value, plain, f"{path}.".lstrip("."), faults)
    if is_rows(plain) and isinstance(value, list):
        return _check_rows(value, plain, path, faults)
    try:
        return check_answer(value, schema)
    except AnswerError as error:
        faults.append(Fault(path, str(error)))
        return value


def _check_rows(
    value: list[Any], schema: dict[str, Any], path: str, faults: list[Fault]
) -> list[Any]:
    """Return a list with its entries in their stored form; add a fault for each invalid entry.

    If the list has a wrong number of entries, the only fault is about the list itself.
    """
    count = {**schema, "items": {}}
    try:
        check_answer([None] * len(value), count)
    except AnswerError as error:
        faults.append(Fault(path, str(error).replace("Choose", "Give")))
        return value  # checking each item of a list that is far too long would be useless
    parts = enumerate(value)
    return [
        _check_part(one, schema["items"], f"{path}.{at}".lstrip("."), faults) for at, one in parts
    ]


def is_group(schema: Mapping[str, Any]) -> bool:
    """Return True for the schema of an object with named fields."""
    return schema.get("type") == "object" and "properties" in schema


def is_rows(schema: Mapping[str, Any]) -> bool:
    """Return True for the schema of a list whose entries are objects or files."""
    items = schema.get("items", {}) if schema.get("type") == "array" else {}
    return is_group(items) or is_file_schema(items)


def completed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a form's answer with the defaults of missing fields filled in, at any depth."""
    plain = without_nothing(schema)
    if isinstance(value, list) and is_rows(plain):
        return [completed(one, plain["items"]) for one in value]
    if not isinstance(value, dict) or not is_group(plain):
        return value
    properties = plain["properties"]
    defaults = {name: one["default"] for name, one in properties.items() if "default" in one}
    given = {name: completed(one, properties.get(name, {})) for name, one in value.items()}
    return defaults | given


def _stored(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a valid answer in its stored form: durations become texts in ISO 8601."""
    if schema.get("format") == "duration":
        return plain_duration(value)
    if schema.get("items", {}).get("format") == "duration":
        return [plain_duration(one) for one in value]
    return value


def takes_nothing(schema: Mapping[str, Any]) -> bool:
    """Return True if the schema allows None as an answer."""
    return any(one.get("type") == "null" for one in schema.get("anyOf", ()))


def without_nothing(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without the branch of its `anyOf` that allows null."""
    branches = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    rest = {name: one for name, one in schema.items() if name != "anyOf"}
    if len(branches) == 1:
        return {**branches[0], **rest}
    return {**rest, "anyOf": branches} if branches else rest


def limits(schema: Mapping[str, Any]) -> list[str]:
    """Return short hints about the limits on an answer, such as "At most 500."."""
    plain = without_nothing(schema)
    of_number = plain.get("anyOf", [{}])[0]  # the schema of a decimal as a number
    found = {**of_number, **plain}
    return [hint(found[rule]) for rule, hint in HINTS.items() if rule in found]


def _is_decimal(schema: dict[str, Any]) -> bool:
    branches = {one.get("type"): one for one in schema.get("anyOf", ())}
    return set(branches) == {"number", "string"} and branches["string"].get("pattern") == DECIMAL


def _read(value: Any, schema: dict[str, Any]) -> Any:
    """Return the answer with each float as a `Decimal`, so that no digit is rounded.

    If the schema is that of a decimal, a string that holds a number becomes a `Decimal`, too.
    """
    if not _is_decimal(schema) or isinstance(value, bool):
        return _exact(value)
    if isinstance(value, str) and not re.fullmatch(DECIMAL, value):
        raise AnswerError(f"{MUST_BE} {A_DECIMAL}.")
    return Decimal(str(value)) if isinstance(value, str | int) else _exact(value)


def _exact(plain: Any) -> Any:
    # Parse the JSON again: 0.3 as a float isn't a multiple of 0.1, but the decimal that somebody
    # typed is.
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


def _enum(validator: Any, options: list[Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    """Yield an error for a value that is none of the options.

    The rule `enum` of `jsonschema` also distinguishes True from 1, and takes a hundred times as
    long for many options. So it is used only for values that aren't strings.
    """
    if value not in options:
        yield ValidationError("It isn't one of the options.")
    elif not isinstance(value, str):
        yield from Draft202012Validator.VALIDATORS["enum"](validator, options, value, schema)


def _unique(_: Any, is_wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:  # noqa: FBT001 (jsonschema's)
    """Yield an error for a list in which a value appears twice.

    This is faster than the rule of `jsonschema`, which compares each entry with all others.
    """
    if is_wanted and isinstance(value, list) and len(set(map(_key, value))) < len(value):
        yield ValidationError("Some of its entries are equal; each may occur only once.")


def _key(value: Any) -> Any:
    """Return a hashable key, equal for equal values: 1.0 equals 1, but True doesn't equal 1."""
    if isinstance(value, list):
        return (list, *map(_key, value))
    if isinstance(value, dict):
        return (dict, frozenset((name, _key(one)) for name, one in value.items()))
    return (isinstance(value, bool), value)


@lru_cache(maxsize=1024)
def _reader(pattern: str) -> TypeAdapter[str]:
    """Return a Pydantic adapter that accepts the strings which match the pattern.

    In Pydantic, `$` matches only the very end of a string, not the place before a last line break.
    """
    text: Any = Annotated[str, Field(pattern=pattern)]
    try:
        return TypeAdapter(text)
    except SchemaError:  # a model may set the pattern engine of Python
        return TypeAdapter(text, config=ConfigDict(regex_engine="python-re"))


TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"integer": _is_whole, "number": _is_number}
)
RULES = {"pattern": _pattern, "enum": _enum, "uniqueItems": _unique}
Validator: Any = cast(Any, extend)(Draft202012Validator, RULES, type_checker=TYPES)


def _format_checker() -> FormatChecker:
    checker = FormatChecker(())
    for name, one in FORMATS.items():
        # A value that isn't a string is a fault of the type, not of the format.
        checker.checks(name)(
            lambda value, one=one: not isinstance(value, str) or one.is_valid(value)
        )
    return checker


CHECKER = _format_checker()


def _fault(value: Any, schema: dict[str, Any]) -> ValidationError | None:
    validator = Validator(schema, format_checker=CHECKER)
    fault: ValidationError | None = best_match(validator.iter_errors(value))
    return fault


def _sentence(rule: str, wanted: Any, schema: dict[str, Any]) -> str:
    sentences: dict[str, Callable[[], str]] = {
        "type": lambda: f"{MUST_BE} {WORDS.get(wanted, wanted)}.",
        "enum": lambda: f"Choose one of: {', '.join(map(str, wanted))}.",
        "required": lambda: f"Fill in {' and '.join(wanted)}.",
        "additionalProperties": lambda: _unknown(schema.get("properties", {})),
        "minLength": lambda: (
            HINTS[rule](wanted)
            if wanted == 1
            else f"The answer must have at least {wanted} characters."
        ),
        "maxLength": lambda: f"The answer must have at most {wanted} characters.",
        "minItems": lambda: HINTS[rule](wanted),
        "maxItems": lambda: HINTS[rule](wanted),
        "uniqueItems": lambda: ONCE,
        "minimum": lambda: f"{MUST_BE} at least {_plain(wanted)}.",
        "maximum": lambda: f"{MUST_BE} at most {_plain(wanted)}.",
        "exclusiveMinimum": lambda: f"{MUST_BE} more than {_plain(wanted)}.",
        "exclusiveMaximum": lambda: f"{MUST_BE} less than {_plain(wanted)}.",
        "multipleOf": lambda: f"{MUST_BE} a multiple of {_plain(wanted)}.",
        "format": lambda: f"{MUST_BE} {FORMATS[wanted].noun if wanted in FORMATS else wanted}.",
        "pattern": lambda: _pattern_words(wanted, schema),
    }
    if _is_decimal(schema):
        sentences |= dict.fromkeys(("anyOf", "pattern"), lambda: f"{MUST_BE} {A_DECIMAL}.")
    sentence = sentences.get(rule)
    return sentence() if sentence else "This answer isn't valid."


def _unknown(known: Mapping[str, Any]) -> str:
    return f"Unknown field. The fields are: {', '.join(known)}."


HINTS: dict[str, Callable[[Any], str]] = {
    "minimum": lambda wanted: f"At least {_plain(wanted)}.",
    "exclusiveMinimum": lambda wanted: f"More than {_plain(wanted)}.",
    "maximum": lambda wanted: f"At most {_plain(wanted)}.",
    "exclusiveMaximum": lambda wanted: f"Less than {_plain(wanted)}.",
    "multipleOf": lambda wanted: f"In steps of {_plain(wanted)}.",
    "minLength": lambda wanted: (
        "Write something." if wanted == 1 else f"At least {wanted} characters."
    ),
    "maxLength": lambda wanted: f"At most {wanted} characters.",
    "minItems": lambda wanted: f"Choose at least {wanted}.",
    "maxItems": lambda wanted: f"Choose at most {wanted}.",
}
"""Functions that make a hint about a limit, by the JSON Schema keyword of the limit.

People are shown such hints before they answer.
"""


def _pattern_words(pattern: str, schema: dict[str, Any]) -> str:
    """Return a sentence for an answer that doesn't match the pattern of its field.

    If the field has a description, the sentence is the description, because people understand a
    description better than a pattern.
    """
    description = str(schema.get("description", ""))
    return "Write something." if pattern == VISIBLE else description or f"It must match {pattern}."


def _plain(number: int | float | Decimal) -> str:
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

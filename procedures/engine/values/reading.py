"""Conversion of inputs as they are sent: durations in words, and numbers as text."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from procedures.engine.errors import Fault
from procedures.engine.values.answers import is_group, is_rows, without_nothing
from procedures.engine.values.attachments import is_file_schema
from procedures.engine.values.durations import PATTERN, parse_duration
from procedures.engine.values.faults import NUMBER, WHOLE
from procedures.engine.values.formats import read_duration
from procedures.engine.values.numbers import is_writable
from procedures.engine.values.schemas import properties_of

PLAIN_NUMBER = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?\s*", re.ASCII)
"""Numbers as people write them. Python also accepts 1_000, and digits of scripts such as Arabic."""
Schema = Mapping[str, Any]


def plain_int(text: str) -> int:
    """Return the text as a whole number; raises `ValueError` for other text, even 1_000 or ٣."""
    _check_number(text)
    return int(text)


def plain_float(text: str) -> float:
    """Return the text as a number; raises `ValueError` for other text, even 1_000 or ٣."""
    _check_number(text)
    return float(text)


def _check_number(text: str) -> None:
    if not PLAIN_NUMBER.fullmatch(text):
        raise ValueError(f"{text!r:.60} isn't a number.")


class InputConversion:
    """Conversion of sent values before validation, guided by the JSON Schema of the inputs."""

    def __init__(self, schema: Schema) -> None:
        self._properties: Mapping[str, Schema] = schema.get("properties", {})
        self._defs: Mapping[str, Schema] = schema.get("$defs", {})

    def read(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values with durations such as "2h" rewritten in ISO 8601."""
        return {
            name: self._read(value, self._properties.get(name, {})) for name, value in raw.items()
        }

    def _read(self, value: Any, schema: Schema) -> Any:
        schema = self._plain(value, schema)
        if isinstance(value, str):
            return self._text(value, schema)
        if isinstance(value, list):
            return [self._read(one, schema.get("items", {})) for one in value]
        if isinstance(value, dict):
            rest = schema.get("additionalProperties")
            others: Schema = rest if isinstance(rest, Mapping) else {}
            named: Mapping[str, Schema] = schema.get("properties", {})
            return {name: self._read(one, named.get(name, others)) for name, one in value.items()}
        return value

    def _text(self, text: str, schema: Schema) -> str:
        if schema.get("format") == "duration" and PATTERN.fullmatch(text):
            # Write six decimals, because Python would write a very short duration with an exponent,
            # which ISO 8601 doesn't allow.
            return f"PT{parse_duration(text).total_seconds():.6f}S"
        if schema.get("format") == "duration" and text[:1] != "P":
            length = read_duration(text)
            return text if length is None else f"PT{length.total_seconds():.6f}S"
        return text

    def _plain(self, value: Any, schema: Schema) -> Schema:
        """Return the value's schema, with references resolved and the branch of a union chosen.

        Returns {} if several branches of the union can match the value.
        """
        if reference := schema.get("$ref"):
            return self._plain(value, self._defs.get(str(reference).rpartition("/")[2], {}))
        branches = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if not branches:
            return schema
        plain = [self._plain(value, one) for one in branches]
        fitting = [one for one in plain if _is_for(value, one)]
        # If several branches fit, change nothing: Pydantic chooses among them, and reports faults.
        return fitting[0] if len(fitting) == 1 else {}


def _is_for(value: Any, schema: Schema) -> bool:
    """Return True if the value can match the schema.

    A string can match any type but a list, an object or null, because a string can be converted,
    for example to a number.
    """
    kind = schema.get("type")
    if isinstance(value, dict):
        return kind == "object"
    if isinstance(value, list):
        return kind == "array"
    return kind not in {"object", "array", "null"}


def odd_numbers(sent: Any, read: Any, place: str = "") -> Iterator[Fault]:
    """Yield a fault for each string, such as "1_000", that only Python would read as a number.

    Also yield one for each number with an exponent, such as "1e999999999", that has too many digits
    to be written without it. `sent` holds the values before validation, and `read` holds the same
    values after validation. `place` is the path of the values, such as "lines.0".
    """
    if isinstance(sent, str) and isinstance(read, int | float | Decimal):
        if not isinstance(read, bool) and not PLAIN_NUMBER.fullmatch(sent):
            yield Fault(place, WHOLE if isinstance(read, int) else NUMBER)
        elif isinstance(read, Decimal) and not is_writable(read):
            yield Fault(place, "has too many digits.")
    elif isinstance(sent, Mapping) and isinstance(read, Mapping):
        for name in sent.keys() & read.keys():
            yield from odd_numbers(sent[name], read[name], f"{place}.{name}".lstrip("."))
    elif isinstance(sent, list) and isinstance(read, list | tuple) and len(sent) == len(read):
        for number, (one, other) in enumerate(zip(sent, read, strict=True)):
            yield from odd_numbers(one, other, f"{place}.{number}")


# Inputs that can't be sent


def unserved(schema: Schema, *, with_bytes: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each input that nobody could send, and the reason.

    `with_bytes` holds the names of the inputs whose types contain `bytes`.
    """
    for name, one in properties_of(schema).items():
        is_plain = is_file_schema(without_nothing(one))
        if name in with_bytes and is_plain:
            yield name, "bytes can't be sent. Use a File, or a string"
        elif name in with_bytes or _hides_file(one, schema.get("$defs", {})):
            yield (
                name,
                "bytes can't be sent, nor can a File that isn't in a model or a list. "
                "Make the File an input of its own",
            )


def _hides_file(schema: Schema, defs: Mapping[str, Schema]) -> bool:
    """Return True if a value can hold a file that no path of fields reaches, such as in a dict."""
    plain = without_nothing(schema)
    if is_file_schema(plain):
        return False
    if is_group(plain):
        return any(_hides_file(one, defs) for one in plain["properties"].values())
    if is_rows(plain):
        return _hides_file(plain["items"], defs)
    return _holds_binary(plain, defs, set())


def _holds_binary(schema: Any, defs: Mapping[str, Schema], seen: set[str]) -> bool:
    if isinstance(schema, list):
        return any(_holds_binary(one, defs, seen) for one in schema)
    if not isinstance(schema, Mapping):
        return False
    if schema.get("format") == "binary":
        return True
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        # A type may contain itself.
        seen.add(name)
        if _holds_binary(defs.get(name, {}), defs, seen):
            return True
    return any(_holds_binary(one, defs, seen) for one in schema.values())

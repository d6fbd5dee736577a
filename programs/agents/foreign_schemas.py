"""Checks of arguments by another program's JSON Schema, which may be hostile or wrong."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as Misfit
from pydantic_core import SchemaError

MOST_FAULTS = 5
REFERENCES = ("$ref", "$dynamicRef")
BY_PATTERN = ("patternProperties", "additionalProperties", "unevaluatedProperties")


def faults_of(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a text that says why the arguments don't fit the schema, or "" if they do.

    Two things in a schema are ignored because they are unsafe: references to other documents, which
    would have to be fetched, and `patternProperties`, whose patterns could take very long to match.
    """
    try:
        checker = _Checker(_without_dangers(schema))
        faults = sorted(checker.iter_errors(dict(arguments)), key=str)
    except Exception as error:  # noqa: BLE001 (a foreign schema may be anything)
        return f"The schema of the tool can't be used: {type(error).__name__}: {error!s:.200}"
    return "; ".join(f"{one.json_path}: {one.message}" for one in faults[:MOST_FAULTS])


def _without_dangers(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_dangers(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = {name for name in REFERENCES if _is_foreign(schema.get(name))}
    if "patternProperties" in schema:
        left_out.update(BY_PATTERN)
    return {name: _without_dangers(one) for name, one in schema.items() if name not in left_out}


def _is_foreign(reference: object) -> bool:
    return isinstance(reference, str) and not reference.startswith("#")


def _pattern(_: Any, pattern: str, value: object, __: Any) -> Iterator[ValidationError]:
    if not isinstance(value, str):
        return
    try:
        _matcher(pattern).validate_python(value)
    except Misfit:
        yield ValidationError(f"{value!r:.100} does not match {pattern!r:.100}")
    except SchemaError:  # what Rust's engine doesn't have could take any time
        return


@lru_cache(maxsize=64)
def _matcher(pattern: str) -> TypeAdapter[str]:
    """Return a validator for strings that match the pattern; matching takes linear time."""
    text: Any = Annotated[str, Field(pattern=pattern)]
    return TypeAdapter(text, config=ConfigDict(regex_engine="rust-regex"))


_Checker: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # jsonschema has no types

"""Canonical JSON: the text and the digest of a value, and the conversion of JSON back to a type."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

from procedures.engine.values import losses
from procedures.engine.values.inspection import watch_of
from procedures.engine.values.secret_values import shows_secret
from procedures.engine.values.served import adapter

HOLDS_SECRET = "it contains a secret"  # noqa: S105 (words)
HALF = "It contains half of a character (a lone surrogate), which can't be stored."
NO_NUMBER = "It contains NaN or an infinite number, which JSON can't express."
DECODER = json.JSONDecoder()
ENCODER = json.JSONEncoder(
    sort_keys=True,
    ensure_ascii=False,
    separators=(",", ":"),
    allow_nan=False,
    check_circular=False,  # a value that contains itself is refused as nested too deeply
)
NOTHING = (None, type(None), Any)
"""The annotations for which None is stored and read without validation."""
HOLDERS, SETS = (dict, list), (set, frozenset)
KEPT = {"kept": True}  # the validation context of values that were checked when they were stored


def dump(value: Any, hint: Any = Any) -> str:
    """Return canonical JSON text: sorted keys, no spaces; equal values give equal text."""
    return text_of(jsonable(value, hint))


def text_of(plain: Any) -> str:
    """Return the canonical text of plain JSON data; raises `ValueError` for anything else."""
    try:
        text = ENCODER.encode(plain)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"It can't be written as JSON: {error}") from None
    except ValueError as error:  # of the encoder, or of an integer with thousands of digits
        raise ValueError(NO_NUMBER if "float" in str(error) else f"{error}.") from None
    try:
        text.encode()  # find lone surrogates here rather than in the database
    except UnicodeEncodeError:
        raise ValueError(HALF) from None
    return text


def jsonable(value: Any, hint: Any = Any) -> Any:
    """Return the value as plain JSON data; raises `ValueError` if the value has no form in JSON."""
    try:
        if hint is not Any:
            return adapter(hint).dump_python(value, mode="json", warnings=False)
        plain = to_jsonable_python(value, inf_nan_mode="constants")
        _sort_sets(value, plain)
    except PydanticSerializationError as error:
        raise ValueError(f"It can't be stored as JSON: {error}") from None
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    except ValueError as error:
        words = "It is nested too deeply." if "depth" in str(error) else str(error)
        raise ValueError(words) from None
    return plain


def is_too_deep(value: Any) -> bool:
    """Return True if a value is nested too deeply to be traversed, or contains itself."""
    try:
        to_jsonable_python(value, fallback=str)
    except (RecursionError, ValueError):
        return True
    return False


def keepable(value: Any, hint: Any) -> tuple[Any, Any]:
    """Return the plain JSON of a value, and the value restored from that JSON.

    Raises `ValueError` if the value doesn't fit the annotation `hint`, or can't be stored without
    loss.
    """
    plain, back, _ = keepable_text(value, hint)
    return plain, back


def keepable_text(value: Any, hint: Any, *, most: int | None = None) -> tuple[Any, Any, str]:
    """Return the results of `keepable`, followed by the canonical text of the plain JSON.

    `most` is the largest number of characters that the text may have.
    """
    if value is None and hint in NOTHING:
        return None, None, "null"
    watch = watch_of(adapter(hint))
    try:
        plain = jsonable(value, hint)
        if watch.has_any and hint is not Any:
            _sort_sets(value, plain)
        text = text_of(plain)
        back = restored(text, adapter(hint))
    except ValidationError as error:
        raise ValueError(f"doesn't fit its annotation: {faults(error)}") from None
    except ValueError as error:
        raise ValueError(f"can't be stored: {str(error).rstrip('.')}") from None
    if shows_secret(value, text):
        raise ValueError(f"can't be stored: {HOLDS_SECRET}")
    if watch.can_lose and (why := losses.loss(value, back, watch.unions)):
        raise ValueError(f"can't be stored: {why}")
    if most is not None and len(text) > most:
        raise ValueError(
            f"can't be stored: it has {len(text):,} characters of JSON; the limit is {most:,}"
        )
    return plain, back, text


def load(plain: Any, hint: Any = Any) -> Any:
    """Return the value of type `hint` that was stored as this plain JSON."""
    if hint is Any or (plain is None and hint in NOTHING):
        return plain
    return restored(to_json(plain), adapter(hint))


def restored(text: str | bytes, types: TypeAdapter[Any]) -> Any:
    """Return the value that was stored as this canonical text, as a value of the adapter's type.

    The text may name a field of a model by the field's name or by its alias.
    """
    return types.validate_json(text, context=KEPT, by_alias=True, by_name=True)


def plain(text: str) -> dict[str, Any]:
    """Parse the canonical text of a JSON object and return the object."""
    data: dict[str, Any] = value_of(text)
    return data


def value_of(text: str) -> Any:
    """Parse the canonical text of any JSON value and return the value."""
    try:
        return from_json(text)  # in half the time that the standard library takes
    # It is nested more deeply than 200 levels, it contains half of a character, or somebody has
    # changed it. What follows after a value is ignored, so that the row's seal tells what changed.
    except (ValueError, TypeError):
        return DECODER.raw_decode(text)[0]


def faults(error: ValidationError) -> str:
    """Return the faults of a validation error in one line, separated by semicolons."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".removeprefix(": ")
        for fault in error.errors()
    )


def legible(text: str) -> str:
    """Return the text with lone surrogates and NUL, which can't be stored, as visible codes.

    NUL becomes ␀.
    """
    return text.encode(errors="backslashreplace").decode().replace("\0", "␀")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sort_sets(value: Any, plain: Any) -> None:
    """Sort each JSON list that was made from a set, because the order of a set differs by process.

    Raises `ValueError` if the JSON has lost something: two keys of a dict, such as 1 and "1",
    became the same name, or NaN or an infinite number became null.
    """
    if plain is None and isinstance(value, float):
        raise ValueError(NO_NUMBER)
    if not isinstance(plain, HOLDERS):
        return
    if isinstance(value, Mapping) and len(value) != len(plain):
        raise ValueError("It has different names that become the same in JSON.")
    parts = plain.values() if isinstance(plain, dict) else plain
    if any(part is None or isinstance(part, HOLDERS) for part in parts):
        for one, part in zip(_held_by(value, plain), parts, strict=False):
            _sort_sets(one, part)
    if isinstance(value, SETS) and isinstance(plain, list):
        plain.sort(key=text_of)


def _held_by(value: Any, plain: Any) -> Iterable[Any]:
    """Return the items of a value in the order of the items of its plain JSON.

    The items are the values of a mapping, the attributes of a model or dataclass, or the entries of
    a list or set.
    """
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(plain, dict):
        return (getattr(value, name, None) for name in plain)
    return value if isinstance(value, (Sequence, *SETS)) else ()

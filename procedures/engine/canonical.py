"""One text per value: canonical JSON, its digest, and the way back to a type."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

KEPT = {"kept": True}  # the validation context of values that were checked when they were kept


def dump(value: Any, hint: Any = Any) -> str:
    """Canonical JSON text: sorted keys, no spaces; equal values give equal texts."""
    return text_of(jsonable(value, hint))


def text_of(plain: Any) -> str:
    """The canonical text of a value that is plain JSON already."""
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    text.encode()  # a lone surrogate is found here and not in the database
    return text


def jsonable(value: Any, hint: Any = Any) -> Any:
    """The value as plain JSON data; raises ValueError where there is no such form."""
    try:
        if hint is Any:
            return to_jsonable_python(value, inf_nan_mode="constants")
        return adapter(hint).dump_python(value, mode="json")
    except PydanticSerializationError as error:
        raise ValueError(f"It cannot be kept as JSON: {error}") from None


def load(plain: Any, hint: Any = Any) -> Any:
    """A kept value back in its type."""
    if hint is Any:
        return plain
    return adapter(hint).validate_json(to_json(plain), context=KEPT)


def plain(text: str) -> dict[str, Any]:
    """The data of a canonical text that holds named values."""
    data: dict[str, Any] = json.loads(text)
    return data


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1024)
def adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)

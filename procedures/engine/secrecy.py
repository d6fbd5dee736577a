"""What must not be kept: a journal is read by people, and its database lies in backups."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import PydanticUserError
from pydantic_core import SchemaError

from procedures.engine import canonical

RAW = re.compile(r", input_value=.*, input_type=[^\]]*\]")
"""How Pydantic tells what was not valid, secret or not."""
INSTEAD = (
    "Let a step read it from the site's settings, or the start name it: "
    'Annotated[str, SiteChoice("SETTING")].'
)


def holds_secret(hint: Any) -> bool:
    """Whether a value of that type may hold a `SecretStr`, `SecretBytes` or `Secret`."""
    try:
        return _known(hint)
    except TypeError:  # an annotation with something unhashable in it
        return _look(hint)


def without_input(text: str) -> str:
    """An error's words or traceback without the values that Pydantic was given."""
    return RAW.sub("]", text)


@lru_cache(maxsize=1024)
def _known(hint: Any) -> bool:
    return _look(hint)


def _look(hint: Any) -> bool:
    try:
        return any(map(_is_of_secret, _parts(canonical.adapter(hint).core_schema)))
    except (PydanticUserError, SchemaError, NameError):  # told where the type is used
        return False


def _parts(core: Any) -> Iterable[Any]:
    """Every leaf of a core schema: names, numbers, classes and functions."""
    if isinstance(core, dict):
        core = core.values()
    elif not isinstance(core, (list, tuple)):
        yield core
        return
    for inner in core:
        yield from _parts(inner)


def _is_of_secret(part: Any) -> bool:
    is_pydantics = getattr(part, "__module__", "") == "pydantic.types"
    return is_pydantics and "secret" in getattr(part, "__qualname__", "").lower()

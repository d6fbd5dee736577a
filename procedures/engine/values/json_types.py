"""Reasons why values of a type can't come from JSON and go back to it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, get_origin

from pydantic_core import SchemaError, SchemaValidator, to_json

from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.spelling import short_repr

NO_TYPE = "it is not a type whose values have a JSON form"
NAME_ALONE = "use the type itself instead of its name"
UNKNOWN_NAME = "it names a type that isn't defined here"
NOT_FROM_JSON = "no JSON can be a value of it"
ONCE = "its values can be read only once. Use list[...] instead"
READ_ONCE = (Iterator, AsyncIterator, Awaitable)
REASONS = {
    "callable": NOT_FROM_JSON,
    "call": NO_TYPE,
    "arguments": NO_TYPE,
    "is-subclass": NOT_FROM_JSON,
    "is-instance": NOT_FROM_JSON,
    "generator": ONCE,
    "json": "pydantic.Json reads JSON inside a text. Use the type itself instead",
}
"""Reasons why kinds of Pydantic's core schemas are refused."""
OF_PYTHON_ONLY = ("metadata", "serialization", "python_schema", "strict_schema", "function")
"""Parts of a core schema that play no part in checking JSON."""
MAKES_ITS_OWN = ("function-before", "function-wrap")
"""Types in which the author's code turns JSON into a value that the inner type takes."""


def unserved(hint: Any, *, takes_files: bool = True) -> str:
    """Return why values of that type can't come from JSON and go back to it, or ""."""
    if hint is Any:
        return ""
    try:
        return _known(hint, "" if hint.__class__ is type else repr(hint), takes_files)
    except Exception:  # noqa: BLE001 (it has no hash, or cannot even be written)
        return _unserved(hint, takes_files=takes_files)


@lru_cache(maxsize=1024)
def _known(hint: Any, _spelling: str, takes_files: bool) -> str:  # noqa: FBT001 (by place: cached)
    return _unserved(hint, takes_files=takes_files)


def _unserved(hint: Any, *, takes_files: bool) -> str:
    core = _core_of(hint)
    if not isinstance(core, dict):
        return str(core)
    found = (_reason(one, takes_files=takes_files) for one in _parts_of(core))
    return next(filter(None, found), "")


def _core_of(hint: Any) -> Any:
    """Return the core schema that Pydantic checks values by, or a text that says why not."""
    if isinstance(hint, str):
        return NAME_ALONE
    if isinstance(hint, Mapping):  # Pydantic would take it for a schema of its own
        return NO_TYPE
    try:
        core = canonical.adapter(hint).core_schema
    except NameError:
        return UNKNOWN_NAME
    except SchemaError as error:
        return " ".join(str(error).split())
    except Exception:  # noqa: BLE001 (Pydantic raises whatever it meets inside of what is no type)
        return ONCE if get_origin(hint) in READ_ONCE else NO_TYPE
    return core if isinstance(core, dict) else UNKNOWN_NAME  # which waits for it to be defined


def _parts_of(core: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a core schema that JSON is checked by, itself among them."""
    inner: Iterable[Any] = core if isinstance(core, list | tuple) else ()
    if isinstance(core, dict):
        if isinstance(core.get("type"), str):
            yield core
        inner = _inside(core)
    for one in inner:
        yield from _parts_of(one)


def _inside(core: Mapping[str, Any]) -> Iterable[Any]:
    if core.get("type") in MAKES_ITS_OWN or core.get("serialization_exclude"):
        return ()
    if core.get("type") == "chain":  # the others are given what the first one makes
        return list(core["steps"][:1])
    return [one for name, one in core.items() if name not in OF_PYTHON_ONLY]


def _reason(core: Mapping[str, Any], *, takes_files: bool) -> str:
    kind = core["type"]
    if kind in ("literal", "enum"):
        values = core.get("expected") or [one.value for one in core["members"]]
        return next(filter(None, map(_lost_by_json(core), values)), "")
    if not takes_files and kind == "function-plain" and _reads_files(core):
        return "a File can't be sent in it"
    return REASONS.get(kind, "")


def _lost_by_json(core: Mapping[str, Any]) -> Callable[[Any], str]:
    reader = SchemaValidator(dict(core))

    def lost(value: Any) -> str:
        try:
            reader.validate_json(to_json(value))
        except ValueError:
            return f"{short_repr(value)} has no JSON form"
        return ""

    return lost


def _reads_files(core: Mapping[str, Any]) -> bool:
    function = core.get("function", {}).get("function")
    return getattr(function, "__self__", None) is File

"""The declared inputs and outputs of a program: its start form, and the check of its result."""

import inspect
import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from procedures.engine import Context, Procedure, ProcedureFileError
from programs.lua.errors import OutputError

TYPES: Mapping[str, Any] = {
    "string": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "array": list[Any],
    "object": dict[str, Any],
}
FITTING: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
Family = dict[str, Procedure]
"""The procedures of one file, by the names that its code uses."""


@dataclass(frozen=True)
class Declaration:
    """One declared input or output."""

    name: str
    kind: str
    is_required: bool
    default: Any
    description: str
    options: tuple[Any, ...]
    line: int | None


def declaration(name: object, told: object, line: int | None, *, of: str) -> Declaration:
    """Return what a file declares under a name; raise `ProcedureFileError` if it isn't clear."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        words = f"The {of} {name!r} needs a name of letters, digits and _"
        raise ProcedureFileError(f"{words} that isn't a word of Python.", line=line)
    given: dict[Any, Any] = {"type": told} if isinstance(told, str) else dict(_mapping(told))
    kind = given.get("type", "string")
    if kind not in TYPES:
        known = ", ".join(TYPES)
        words = f"The {of} {name} has the type {kind!r}. The types are {known}."
        raise ProcedureFileError(words, line=line)
    options = given.get("enum") or ()
    default = given.get("default")
    is_required = bool(given.get("required", False)) and default is None
    description = str(given.get("description") or "")
    return Declaration(name, kind, is_required, default, description, tuple(options), line)


def _mapping(told: object) -> Mapping[Any, Any]:
    return told if isinstance(told, Mapping) else {}


def with_inputs(
    fn: Callable[[Context, Mapping[str, Any], Family], Any],
    inputs: list[Declaration],
    family: Family,
) -> Callable[..., Any]:
    """Return the function with a parameter for each input, which a start form shows.

    `family` holds the procedures that the function calls.
    """

    def body(ctx: Context, **given: Any) -> Any:
        return fn(ctx, given, family)

    hints = {one.name: _hint(one) for one in inputs}
    kind = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context)
    named = [
        inspect.Parameter(one.name, kind, default=_default(one), annotation=hints[one.name])
        for one in inputs
    ]
    body.__signature__ = inspect.Signature([first, *named])  # type: ignore[attr-defined]  # read by inspect
    body.__annotations__ = {"ctx": Context, **hints, "return": Any}
    return body


def _hint(one: Declaration) -> Any:
    hint: Any = Literal[one.options] if one.options else TYPES[one.kind]
    if not one.is_required and one.default is None:
        hint = hint | None
    return Annotated[hint, Field(description=one.description)] if one.description else hint


def _default(one: Declaration) -> Any:
    return inspect.Parameter.empty if one.is_required else one.default


def checked_output(value: Any, outputs: list[Declaration]) -> Any:
    """Return the declared outputs of what a program has returned.

    Raises `OutputError` for a value that is missing or has another type. Without declared outputs,
    everything is returned.
    """
    if not outputs:
        return value
    found = {} if value == [] else value
    if not isinstance(found, dict):
        raise OutputError(f"The program must return a table with its outputs, not {value!r}.")
    wrong = [fault for one in outputs if (fault := _fault_of(one, found))]
    if wrong:
        raise OutputError(" ".join(wrong))
    return {one.name: _fitted(one, found[one.name]) for one in outputs if one.name in found}


def _fault_of(one: Declaration, found: Mapping[str, Any]) -> str:
    value = found.get(one.name)
    if value is None:
        return f"The output {one.name} is missing." if one.is_required else ""
    value = _fitted(one, value)
    is_odd = isinstance(value, bool) and one.kind != "boolean"
    if is_odd or not isinstance(value, FITTING[one.kind]):
        return f"The output {one.name} must be of the type {one.kind}, not {value!r}."
    if one.options and value not in one.options:
        return f"The output {one.name} must be one of {', '.join(map(str, one.options))}."
    return ""


def _fitted(one: Declaration, value: Any) -> Any:
    """Return the value; an empty table is a list or a dict, as it is declared."""
    if one.kind == "array" and value == {}:
        return []
    if one.kind == "object" and value == []:
        return {}
    is_whole = isinstance(value, float) and value.is_integer() and one.kind == "integer"
    return int(value) if is_whole else value

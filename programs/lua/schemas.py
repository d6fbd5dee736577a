"""The inputs and outputs that a program declares: its start form, and the check of its result."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from procedures.engine import Context, Procedure, ProcedureFileError
from procedures.engine.values.spelling import meant
from programs.lua.errors import OutputError
from programs.lua.primitives.options import shown
from programs.signing import CONTEXT, fault_of_input_name

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
KEYS = ("type", "required", "default", "enum", "description")
"""The keys that the declaration of an input or output can have."""
HINTS = ("input", "label", "placeholder", "rows", "title")
"""Keys by which Plexus' own editor draws a field; they are ignored."""
CHOSEN = ("string", "number", "integer", "boolean")
"""The types of inputs and outputs whose declarations can contain the key `enum`."""
Family = dict[str, Procedure]
"""The procedures of one file, keyed by the names by which the file's code calls them."""


@dataclass(frozen=True)
class Declaration:
    """The declaration of one input or output."""

    name: str
    kind: str
    is_required: bool
    default: Any
    description: str
    options: tuple[Any, ...]
    line: int | None


def declaration(
    name: object, declared: object, line: int | None, *, of: str, is_parameter: bool = True
) -> Declaration:
    """Return the declaration of one input or output, as `declared` in the file.

    `of` is "input" or "output", for messages. With `is_parameter`, the name must be valid as the
    name of a Python parameter. Raises `ProcedureFileError`, with the line, for an invalid
    declaration.
    """
    if not isinstance(name, str):
        words = f"Invalid name {name!r} of the {of}: it must be a string."
        raise ProcedureFileError(words, line=line)
    if is_parameter and (why := fault_of_input_name(name)):
        raise ProcedureFileError(f"Invalid name {name!r:.50} of the {of}: {why}.", line=line)
    given = _keys_of(f"{of} {name}", declared, line)
    kind = given.get("type", "string")
    if not isinstance(kind, str) or kind not in TYPES:
        known = ", ".join(TYPES)
        words = f"The {of} {name} has the type {kind!r}. The types are {known}."
        raise ProcedureFileError(words, line=line)
    options, default = given.get("enum"), given.get("default")
    if options in ([], {}):
        raise ProcedureFileError(f"The enum of the {of} {name} is empty.", line=line)
    _check_values(f"{of} {name}", kind, options or (), default, line)
    default = _fitted(kind, default)
    is_required = bool(given.get("required")) and default is None
    description = str(given.get("description") or "")
    return Declaration(name, kind, is_required, default, description, tuple(options or ()), line)


def _keys_of(of: str, declared: object, line: int | None) -> Mapping[Any, Any]:
    """Return the keys of a declaration, which can also be written as the name of a type alone.

    Raises `ProcedureFileError`, with the line, for other values and for unknown keys.
    """
    if declared is None or isinstance(declared, str):
        return {"type": declared or "string"}
    if not isinstance(declared, Mapping) and declared != []:
        words = f"The {of} must have a type, such as string, not {shown(declared)}."
        raise ProcedureFileError(words, line=line)
    given = declared if isinstance(declared, Mapping) else {}
    for key in given:
        if key not in (*KEYS, *HINTS):
            words = f"The {of} can't have {key!r}.{meant(str(key), KEYS)}"
            raise ProcedureFileError(words, line=line)
    for key, kind, what in (
        ("required", bool, "true or false"),
        ("description", str, "a string"),
    ):
        if not isinstance(given.get(key), kind | None):
            words = f"{key} of the {of} must be {what}, not {shown(given[key])}."
            raise ProcedureFileError(words, line=line)
    return given


def _check_values(of: str, kind: str, options: object, default: object, line: int | None) -> None:
    """Raise `ProcedureFileError` if the options or the default don't have the declared type."""
    if not isinstance(options, list | tuple):
        words = f"The enum of the {of} must be a list, not {shown(options)}."
        raise ProcedureFileError(words, line=line)
    for one in options:
        if kind not in CHOSEN or not _fits(one, kind):
            words = f"The enum of the {of} has {one!r}, which isn't of the type {kind}"
            raise ProcedureFileError(f"{words}. Strings such as yes need quotes.", line=line)
    if default is None:
        return
    if not _fits(default, kind) or (options and default not in options):
        words = f"The default of the {of} is {default!r}, which isn't"
        rest = f" of the type {kind}" if not _fits(default, kind) else " in its enum"
        raise ProcedureFileError(f"{words}{rest}.", line=line)


def _fits(value: object, kind: str) -> bool:
    is_odd = isinstance(value, float) and not math.isfinite(value)
    if is_odd or (isinstance(value, bool) and kind != "boolean"):
        return False
    is_empty = value in ({}, []) and kind in ("array", "object")
    is_whole = isinstance(value, float) and value.is_integer() and kind == "integer"
    return is_empty or is_whole or isinstance(value, FITTING[kind])


def checked_limit(value: Any, of: str) -> int | None:
    """Return a limit that a file sets, or None if it sets none.

    Raises `ValueError` for an invalid limit.
    """
    if value is None:
        return None
    if type(value) is not int or value < 1:
        raise ValueError(f"{of} must be a whole number of at least 1, not {value!r}.")
    return value


def with_inputs(
    fn: Callable[[Context, Mapping[str, Any], Family], Any],
    inputs: list[Declaration],
    family: Family,
) -> Callable[..., Any]:
    """Return a function that has a parameter for each input, so that start forms show all inputs.

    `family` is passed on to `fn`: it contains the procedures that the file's code calls.
    """

    def body(ctx: Context, **given: Any) -> Any:
        return fn(ctx, given, family)

    hints = {one.name: _hint(one) for one in inputs}
    kind = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter(CONTEXT, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context)
    named = [
        inspect.Parameter(one.name, kind, default=_default(one), annotation=hints[one.name])
        for one in inputs
    ]
    body.__signature__ = inspect.Signature([first, *named])  # type: ignore[attr-defined]  # read by inspect
    body.__annotations__ = {CONTEXT: Context, **hints, "return": Any}
    return body


def _hint(declaration: Declaration) -> Any:
    hint: Any = Literal[declaration.options] if declaration.options else TYPES[declaration.kind]
    if not declaration.is_required and declaration.default is None:
        hint = hint | None
    return (
        Annotated[hint, Field(description=declaration.description)]
        if declaration.description
        else hint
    )


def _default(declaration: Declaration) -> Any:
    return inspect.Parameter.empty if declaration.is_required else declaration.default


def checked_output(value: Any, outputs: list[Declaration]) -> Any:
    """Return, from the value that a program returned, only the outputs that the program declares.

    Raises `OutputError` for a declared output that is missing or has another type. If no outputs
    are declared, the whole value is returned.
    """
    if not outputs:
        return value
    found = {} if value == [] else value
    if not isinstance(found, dict):
        raise OutputError(f"The program must return a table with its outputs, not {value!r}.")
    wrong = [fault for one in outputs if (fault := _fault_of(one, found))]
    if wrong:
        raise OutputError(" ".join(wrong))
    return {one.name: _fitted(one.kind, found[one.name]) for one in outputs if one.name in found}


def _fault_of(declaration: Declaration, found: Mapping[str, Any]) -> str:
    value = found.get(declaration.name)
    if value is None:
        return f"The output {declaration.name} is missing." if declaration.is_required else ""
    value = _fitted(declaration.kind, value)
    is_odd = isinstance(value, bool) and declaration.kind != "boolean"
    if is_odd or not isinstance(value, FITTING[declaration.kind]):
        return (
            f"The output {declaration.name} must be of the type {declaration.kind}, not {value!r}."
        )
    if declaration.options and value not in declaration.options:
        options = ", ".join(map(str, declaration.options))
        return f"The output {declaration.name} must be one of {options}, not {shown(value)}."
    return ""


def _fitted(kind: str, value: Any) -> Any:
    """Return the value converted to the declared type: an empty table becomes a list or a dict."""
    if kind == "array" and value == {}:
        return []
    if kind == "object" and value == []:
        return {}
    is_whole = isinstance(value, float) and value.is_integer() and kind == "integer"
    return int(value) if is_whole else value

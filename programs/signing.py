"""The signature and the source of a procedure that is made from a program."""

import inspect
import keyword
import sys
from collections.abc import Callable, Mapping
from typing import Any

from procedures.engine import DefinitionError

CONTEXT = "ctx"
"""The name of the first parameter of each procedure, which is therefore not allowed for inputs."""


def sign(
    fn: Callable[..., Any], name: str, inputs: Mapping[str, Any], *, module: str = "", doc: str = ""
) -> None:
    """Give the function a signature with these inputs, and the name, docstring and module.

    The function then looks like a procedure that was written in `module`. `inputs` maps names to
    types, or to pairs of a type and a default.
    """
    empty = inspect.Parameter.empty
    pairs = {key: one if isinstance(one, tuple) else (one, empty) for key, one in inputs.items()}
    parameters = [inspect.Parameter(CONTEXT, inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for key, (kind, default) in pairs.items():
        if why := fault_of_input_name(str(key)):
            raise DefinitionError(f"{name}: invalid name {key!r:.50} of an input: {why}.")
        parameters.append(
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        )
    fn.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    fn.__annotations__ = {key: kind for key, (kind, _) in pairs.items()} | {
        "return": dict[str, Any]
    }
    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = doc
    if module:
        fn.__module__ = module


def fault_of_input_name(name: str) -> str:
    """Return why an input can't have this name, or "" if it can."""
    if not name.isidentifier():
        return "use letters, digits and _, and begin with a letter or _"
    if name == CONTEXT:
        return f"{CONTEXT} is the first parameter of each procedure, so use another name"
    return "it is a keyword of Python, so use another name" if keyword.iskeyword(name) else ""


def source_of(module: str) -> str:
    """Return the source of the module in which a program is defined; "" if there is none."""
    try:
        return inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return ""

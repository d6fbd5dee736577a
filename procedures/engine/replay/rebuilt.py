"""Exceptions rebuilt from their stored form, the same in the first execution and on replay."""

import ast
import builtins
import importlib
from contextlib import suppress
from typing import Any

from procedures.engine.errors import StepFailedError


def place_of(error: BaseException) -> dict[str, str]:
    """Return the module and name of an error's type; {} for builtins and local classes."""
    kind = type(error)
    if kind.__module__ == builtins.__name__ or "<locals>" in kind.__qualname__:
        return {}
    return {"place": f"{kind.__module__}:{kind.__qualname__}"}


def rebuilt(failed: StepFailedError) -> Exception:
    """Return the exception that the step raised, if its type is found and accepts the message.

    Otherwise return `failed` itself.
    """
    kind = _found(failed)
    if kind is None:
        return failed
    for argument in _arguments(failed.message):
        try:
            error = kind(*argument)
            if type(error) is kind and str(error) == failed.message:
                return error
        except Exception:  # noqa: BLE001, S112 (the type may not accept a message)
            continue
    return failed


def _found(failed: StepFailedError) -> type[Exception] | None:
    module, _, path = failed.place.rpartition(":")
    try:
        kind: Any = importlib.import_module(module or builtins.__name__)
        for name in (path or failed.type).split("."):
            kind = getattr(kind, name)
    except Exception:  # noqa: BLE001 (a module may raise anything when it is imported)
        return None
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else None


def _arguments(message: str) -> list[tuple[Any, ...]]:
    """Return the argument lists to try: the message (or none), and the message as a literal.

    The literal is needed for `KeyError`, whose message is the repr of its key.
    """
    found: list[tuple[Any, ...]] = [(message,)] if message else [()]
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        found.append((ast.literal_eval(message),))
    return found

"""Exceptions rebuilt from what was kept of them, the same the first time and on replay."""

import ast
import builtins
import importlib
from contextlib import suppress
from typing import Any

from procedures.engine.errors import StepFailedError


def place_of(error: BaseException) -> dict[str, str]:
    """Return the place where its type can be found; a builtin is found by its name alone."""
    kind = type(error)
    if kind.__module__ == builtins.__name__ or "<locals>" in kind.__qualname__:
        return {}
    return {"place": f"{kind.__module__}:{kind.__qualname__}"}


def rebuilt(failed: StepFailedError) -> Exception:
    """Return the exception the step raised if its type is found and accepts its message.

    Otherwise it returns `failed`.
    """
    kind = _found(failed)
    if kind is None:
        return failed
    for argument in _arguments(failed.message):
        try:
            error = kind(*argument)
            if type(error) is kind and str(error) == failed.message:
                return error
        except Exception:  # noqa: BLE001, S112 (its type takes something else than a message)
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
    """Return possible arguments: the message, none, or the message as a Python literal.

    The message of a `KeyError` is the repr of its key.
    """
    found: list[tuple[Any, ...]] = [(message,)] if message else [()]
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        found.append((ast.literal_eval(message),))
    return found

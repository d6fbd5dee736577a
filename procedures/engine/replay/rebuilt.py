"""Exceptions that are restored from their stored form.

Thus, the author's code catches an equal exception in the first execution of a step and on a replay.
"""

import ast
import builtins
import importlib
from contextlib import suppress
from typing import Any

from procedures.engine.errors import StepFailedError


def place_of(error: BaseException) -> dict[str, str]:
    """Return the module and the name of an error's type, as {"place": "shop.errors:OutOfStock"}.

    Returns {} for a built-in type, and for a class that is defined in a function.
    """
    kind = type(error)
    if kind.__module__ == builtins.__name__ or "<locals>" in kind.__qualname__:
        return {}
    return {"place": f"{kind.__module__}:{kind.__qualname__}"}


def rebuilt(failed: StepFailedError) -> Exception:
    """Return an exception that is equal to the one that the step raised.

    Returns `failed` itself if the exception's type isn't found, or can't be made from the message.
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
    """Return the arguments with which `rebuilt` tries to make an exception, in this order.

    They are the message alone (or nothing if it is empty), and the value that the message spells as
    a Python literal. A `KeyError` needs the second, because its message is the repr of the key.
    """
    found: list[tuple[Any, ...]] = [(message,)] if message else [()]
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        found.append((ast.literal_eval(message),))
    return found

"""Checks of options; the error for a misspelt name suggests the most similar valid name.

In all these functions, `of` is the name of the option or function in the error message.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from types import UnionType
from typing import Any, ParamSpec, TypeVar

from procedures.engine.errors import OptionError
from procedures.engine.values import canonical
from procedures.engine.values.spelling import meant, short_repr

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
EMPTY: Mapping[str, str] = {}
LARGEST = 1e15
"""The largest number accepted as a count; browsers represent whole numbers up to it exactly."""
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_options(
    of: str, used: Iterable[str], known: Iterable[str], *, renamed: Mapping[str, str] = EMPTY
) -> None:
    """Raise `OptionError` if a name in `used` isn't in `known`.

    `of` names the function in the error message. `renamed` maps the former name of an option to its
    current name, which the message suggests.
    """
    names = list(known)
    for name in used:
        if name not in names:
            now = renamed.get(name)
            near = f" Did you mean {now!r}?" if now else meant(name, names, at_least=0)
            raise OptionError(
                f"{of} has no option {name!r}.{near} It takes {', '.join(names) or 'none'}."
            )


def with_options(
    of: str,
    also: type[Mapping[str, Any]] | None = None,
    *,
    renamed: Mapping[str, str] = EMPTY,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that it refuses unknown keyword arguments with an `OptionError`.

    `of` is the name of the function in error messages. If the function has a parameter `**options`,
    `also` is the TypedDict of the accepted options; without `also`, the function accepts every
    keyword argument. `renamed` maps the former names of options to their current names.
    """

    def decorate(fn: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(fn).parameters.values()
        takes_any = also is None and any(one.kind == one.VAR_KEYWORD for one in parameters)
        own = [one.name for one in parameters if one.kind in NAMED]
        known = dict.fromkeys([*own, *(also.__annotations__ if also else ())])
        known.pop("self", None)

        @wraps(fn)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not takes_any and kwargs.keys() - known.keys():
                check_options(of, kwargs, known, renamed=renamed)
            try:
                return fn(*args, **kwargs)
            except TypeError:
                _check_call(of, fn, args, kwargs)
                raise

        return checked

    return decorate


def with_fields(of: str) -> Callable[[type[C]], type[C]]:
    """Decorate a class so that its constructor refuses unknown fields, like `with_options`."""

    def decorate(cls: type[C]) -> type[C]:
        made: Any = cls
        made.__init__ = with_options(of)(made.__init__)
        return cls

    return decorate


def _check_call(
    of: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Raise `OptionError` if the call lacks an argument or has too many arguments."""
    try:
        inspect.signature(fn).bind(*args, **kwargs)
    except TypeError as error:
        raise OptionError(f"{of}: {error}.") from None


def check_json(of: str, value: object) -> Any:
    """Return the plain JSON of a value; raises `OptionError` if it can't be stored."""
    try:
        plain = canonical.jsonable(value)
        canonical.text_of(plain)
    except ValueError as error:
        raise OptionError(f"{of} can't be stored. {error}") from None
    return plain


def check_kind(of: str, value: object, kind: type | UnionType, expected: str) -> None:
    """Raise `OptionError` unless the value has the type `kind`; the message calls it `expected`."""
    if not isinstance(value, kind):
        raise OptionError(f"{of} must be {expected}, not {short_repr(value)}.")


def check_function(of: str, fn: object, *args: str, **named: str) -> None:
    """Raise `OptionError` unless `fn` can be called with arguments like these.

    `args` are examples of positional arguments, and `named` of keyword arguments. Each example is
    the name under which the message lists the argument.
    """
    names = ", ".join([*args, *named])
    words = f"{of} must be a function {f'of {names}' if names else 'without parameters'}"
    if not callable(fn):
        raise OptionError(f"{words}, not {short_repr(fn)}.")
    try:
        inspect.signature(fn).bind(*args, **named)
    except ValueError:  # a built-in function without a readable signature
        return
    except TypeError as error:
        raise OptionError(
            f"{words}, but {short_repr(fn)} can't be called that way: {error}."
        ) from None


def check_text(of: str, value: object) -> str:
    """Return the value if it is a string; raises `OptionError` otherwise."""
    if not isinstance(value, str):
        raise OptionError(f"{of} must be a string, not {short_repr(value)}.")
    return value


def check_flag(of: str, value: object) -> None:
    """Raise `OptionError` for anything but True and False, since even "no" is true in Python."""
    if not isinstance(value, bool):
        raise OptionError(f"{of} must be True or False, not {short_repr(value)}.")


def check_count(of: str, value: object) -> None:
    """Raise `OptionError` for anything but a number from 0 to 1e15."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{of} must be a number, not {short_repr(value)}.")
    if not 0 <= value <= LARGEST:
        raise OptionError(
            f"{of} must be a number from 0 to {LARGEST:.0e}, not {short_repr(value)}."
        )


def check_word(of: str, word: object, known: Iterable[str]) -> None:
    """Raise `OptionError` unless the word is one of the values that the option accepts."""
    words = list(known)
    if word not in words:
        near = meant(word, words) if isinstance(word, str) else ""
        raise OptionError(
            f"{of} must be {' or '.join(map(repr, words))}, not {short_repr(word)}.{near}"
        )

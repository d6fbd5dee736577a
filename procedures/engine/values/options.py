"""Options by name: a misspelt one is refused at the call, with the nearest right one."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from procedures.engine.errors import OptionError
from procedures.engine.values.spelling import meant

P = ParamSpec("P")
R = TypeVar("R")
EMPTY: Mapping[str, str] = {}
LARGEST = 1e15
"""The largest count that a browser can tell from the next one."""
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_options(
    of: str, given: Iterable[str], known: Iterable[str], *, renamed: Mapping[str, str] = EMPTY
) -> None:
    """Raise `OptionError` for the first unknown name.

    `renamed` maps former names of options to today's.
    """
    names = list(known)
    for name in given:
        if name not in names:
            now = renamed.get(name)
            near = f" Did you mean {now!r}?" if now else meant(name, names, at_least=0)
            raise OptionError(
                f"{of} has no option {name!r}.{near} It takes {', '.join(names) or 'none'}."
            )


def with_options(
    of: str, also: type[Mapping[str, Any]] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check the names of a function's keyword arguments before anything else.

    `of` is the name its author uses for it; `also` are the options it takes as `**options`.
    """

    def decorate(fn: Callable[P, R]) -> Callable[P, R]:
        own = [one.name for one in inspect.signature(fn).parameters.values() if one.kind in NAMED]
        known = dict.fromkeys([*own, *(also.__annotations__ if also else ())])
        known.pop("self", None)

        @wraps(fn)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if kwargs.keys() - known.keys():
                check_options(of, kwargs, known)
            return fn(*args, **kwargs)

        return checked

    return decorate


def check_text(of: str, value: object) -> str:
    """Return the text; raises `OptionError` for anything else, which no page could show."""
    if not isinstance(value, str):
        raise OptionError(f"{of} is a text, not {value!r:.100}.")
    return value


def check_flag(of: str, value: object) -> None:
    """Raise `OptionError` for anything but True and False: "no" would count as a yes."""
    if not isinstance(value, bool):
        raise OptionError(f"{of} is True or False, not {value!r:.100}.")


def check_count(of: str, value: object) -> None:
    """Raise `OptionError` for anything but a number that a bar can show."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{of} is a number, not {value!r:.100}.")
    if not 0 <= value <= LARGEST:
        raise OptionError(f"{of} is a number from 0 to {LARGEST:.0e}, not {value!r:.100}.")


def check_word(of: str, word: object, known: Iterable[str]) -> None:
    """Raise `OptionError` for a word that an option does not know."""
    words = list(known)
    if word not in words:
        near = meant(word, words) if isinstance(word, str) else ""
        raise OptionError(f"{of} is {' or '.join(map(repr, words))}, not {word!r}.{near}")

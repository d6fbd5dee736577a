"""Suggestions for misspelt names, and short forms of values, for error messages."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_REPR = 100
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")
"""An address as in the `repr` of a function, which differs from process to process."""


def nearest(name: str, names: Iterable[str], *, at_least: float = 0.6) -> str:
    """Return the name most similar to `name`, or "" if no name is similar enough.

    `at_least` is the smallest similarity that is enough, from 0 (any name) to 1 (the same name).
    """
    return next(iter(get_close_matches(name, list(names), n=1, cutoff=at_least)), "")


def meant(name: str, names: Iterable[str], *, at_least: float = 0.6) -> str:
    """Return " Did you mean 'refund'?" with the most similar name, or "" if none is similar enough.

    `at_least` is the smallest similarity that is enough, as for `nearest`.
    """
    near = nearest(name, names, at_least=at_least)
    return f" Did you mean {near!r}?" if near else ""


def short_repr(value: object) -> str:
    """Return the first 100 characters of the value's `repr`, without addresses in memory.

    If `repr` raises an error, returns the type of the value instead, such as "<Order>".
    """
    try:
        return ADDRESS.sub("", repr(value))[:LONGEST_REPR]
    except Exception:  # noqa: BLE001 (nested too deeply, or its class may raise anything)
        return f"<{type(value).__name__}>"

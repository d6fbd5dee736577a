"""Suggestions for misspelt names, and short forms of values, for error messages."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_REPR = 100


def nearest(name: str, names: Iterable[str], *, at_least: float = 0.6) -> str:
    """Return the most similar name, or "" if none is similar enough (`at_least`, from 0 to 1)."""
    return next(iter(get_close_matches(name, list(names), n=1, cutoff=at_least)), "")


def meant(name: str, names: Iterable[str], *, at_least: float = 0.6) -> str:
    """Return " Did you mean …?" with the most similar name, or "" if none is similar enough."""
    near = nearest(name, names, at_least=at_least)
    return f" Did you mean {near!r}?" if near else ""


def short_repr(value: object) -> str:
    """Return the beginning of a value's `repr`, or its type if that fails."""
    try:
        return repr(value)[:LONGEST_REPR]
    except Exception:  # noqa: BLE001 (nested too deeply, or its class may raise anything)
        return f"<{type(value).__name__}>"

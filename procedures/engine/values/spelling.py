"""Suggestions for misspelt names."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, names: Iterable[str], *, at_least: float = 0.6) -> str:
    """Return a question with the nearest name, or "" if none is at least that near (0 to 1)."""
    near = get_close_matches(name, list(names), n=1, cutoff=at_least)
    return f" Did you mean {near[0]!r}?" if near else ""

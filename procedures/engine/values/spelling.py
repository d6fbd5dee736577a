"""The name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, names: Iterable[str], *, at_least: float = 0.6) -> str:
    """A question that names the nearest of the names; "" where none is that near, from 0 to 1."""
    near = get_close_matches(name, list(names), n=1, cutoff=at_least)
    return f" Did you mean {near[0]!r}?" if near else ""

"""A comparison of a run's journal with its code, from the place where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

BEFORE, MOST_PAIRS = 3, 30
"""The maximum number of pairs to show: before the difference, and in all."""


@dataclass(frozen=True)
class Pair:
    """An entry of the journal beside what the code asks for at the same place."""

    kept: str
    asked: str

    @property
    def fits(self) -> bool:
        return self.kept == self.asked


@dataclass(frozen=True)
class Comparison:
    """The first pair that differs, with some pairs before and after it."""

    left_out: int
    """The number of matching pairs at the beginning that are left out."""
    pairs: Sequence[Pair]


def compared(error: Mapping[str, Any] | None) -> Comparison | None:
    if not error or not (error.get("kept") or error.get("asked")):
        return None
    both = zip_longest(error.get("kept", ()), error.get("asked", ()), fillvalue="")
    pairs = [Pair(kept, asked) for kept, asked in both]
    fitting = sum(1 for _ in takewhile(lambda pair: pair.fits, pairs))
    begin = max(fitting - BEFORE, 0)
    return Comparison(begin, pairs[begin : begin + MOST_PAIRS])

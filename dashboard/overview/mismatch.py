"""A comparison of the entries that a run's journal contains with those that its code asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

BEFORE, MOST_PAIRS = 3, 30
"""The maximum number of equal pairs before the first difference, and of all pairs shown."""


@dataclass(frozen=True)
class Pair:
    """An entry of the journal beside the entry that the code asks for; "" on a side without one."""

    kept: str
    asked: str

    @property
    def fits(self) -> bool:
        return self.kept == self.asked


@dataclass(frozen=True)
class Comparison:
    """The pairs from shortly before the first difference between the journal and the code."""

    left_out: int
    """The number of equal pairs before the first pair in `pairs`."""
    pairs: Sequence[Pair]


def compared(error: Mapping[str, Any] | None) -> Comparison | None:
    if not error or not (error.get("kept") or error.get("asked")):
        return None
    both = zip_longest(error.get("kept", ()), error.get("asked", ()), fillvalue="")
    pairs = [Pair(kept, asked) for kept, asked in both]
    fitting = sum(1 for _ in takewhile(lambda pair: pair.fits, pairs))
    begin = max(fitting - BEFORE, 0)
    return Comparison(begin, pairs[begin : begin + MOST_PAIRS])

"""Where the code left the path that a run had gone: both lists side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

BEFORE, MOST_PAIRS = 3, 30
"""What is shown of what still fits, and at all."""


@dataclass(frozen=True)
class Pair:
    """What the run went through, and what the code asks for now in the same place."""

    kept: str
    asked: str

    @property
    def fits(self) -> bool:
        return self.kept == self.asked


@dataclass(frozen=True)
class Comparison:
    """The first pair that does not fit, with some before and after it."""

    left_out: int
    """Pairs that fit, before the first one shown."""
    pairs: Sequence[Pair]


def compared(error: Mapping[str, Any] | None) -> Comparison | None:
    if not error or not (error.get("kept") or error.get("asked")):
        return None
    both = zip_longest(error.get("kept", ()), error.get("asked", ()), fillvalue="")
    pairs = [Pair(kept, asked) for kept, asked in both]
    fitting = sum(1 for _ in takewhile(lambda pair: pair.fits, pairs))
    begin = max(fitting - BEFORE, 0)
    return Comparison(begin, pairs[begin : begin + MOST_PAIRS])

"""Places in the texts of a run's steps, each of which says which part a client already has."""

from typing import Any, NamedTuple

from dashboard.live.streams import place_in
from procedures.live_texts import MOST_TEXTS

LONG, ENDED = 1, 2
"""Bits that mark a text: it is too long to be shown while it is written, or it has ended."""


class TextPosition(NamedTuple):
    """The part of a step's text that a client already has."""

    number: int = 0
    """The number of the text. Texts that a step writes later have larger numbers."""
    size: int = 0
    """The number of the text's bytes that the client has, counted from the start."""
    marks: int = 0
    """The bits `LONG` and `ENDED` as far as the client has been told of them."""


Places = dict[str, TextPosition]
"""The place in each step's text, by the name of the step."""


def places_in(sent: Any) -> Places:
    """Return the places that a client has sent, such as `{"write": [1048577, 4000]}`.

    For each step, the list has the number of the text and the number of its bytes that the client
    has. Raises `ValueError`, `TypeError`, `AttributeError` or `OverflowError` for anything else.
    """
    if len(sent) > MOST_TEXTS:
        raise ValueError(f"'at' can name at most {MOST_TEXTS} steps")
    return {
        str(step): TextPosition(_count(number), _count(size))
        for step, (number, size) in sent.items()
    }


def _count(sent: Any) -> int:
    if (count := place_in(sent)) < 0:
        raise ValueError("numbers of texts and of bytes can't be negative")
    return count

"""The places up to which a client has read the texts of a run's steps."""

from typing import Any, NamedTuple

from dashboard.live.streams import place_in
from procedures.live_texts import MOST_TEXTS

LONG, ENDED = 1, 2
"""The marks of a text: it is too long to be shown while it is written, or it has ended."""


class Place(NamedTuple):
    """The part of a step's text that a client has."""

    number: int = 0
    """The number of the text; a later text of the step has a larger one."""
    size: int = 0
    """The number of bytes."""
    marks: int = 0
    """The sum of the marks that were sent."""


Places = dict[str, Place]
"""The places by step."""


def places_in(said: Any) -> Places:
    """Return a client's places as sent by it: `{"step": [number, bytes]}`.

    Raises `ValueError` or another error of malformed messages for anything else.
    """
    if len(said) > MOST_TEXTS:
        raise ValueError(f"'at' can name at most {MOST_TEXTS} steps")
    return {str(step): Place(_count(number), _count(size)) for step, (number, size) in said.items()}


def _count(said: Any) -> int:
    if (count := place_in(said)) < 0:
        raise ValueError("numbers of texts and of bytes can't be negative")
    return count

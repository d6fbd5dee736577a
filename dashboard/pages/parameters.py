"""Ids and numbers in the parameters of a URL, in which anybody can write anything."""

import re
from uuid import UUID

NUMBER = re.compile("[0-9]{1,18}")


def id_in(text: str | None) -> UUID | None:
    """Return the id in a text, or None if the text isn't an id."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def number_in(text: str | None) -> int | None:
    """Return the number in a text, or None if the text doesn't consist of 1 to 18 digits."""
    return int(text) if text and NUMBER.fullmatch(text) else None

"""Ids and numbers in the parameters of pages, which anybody can type."""

import re
from uuid import UUID

NUMBER = re.compile("[0-9]{1,18}")


def id_in(text: str | None) -> UUID | None:
    """Return the id in a parameter, or None if it isn't one."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def number_in(text: str | None) -> int | None:
    """Return the number in a parameter, or None if it isn't one of 1 to 18 digits."""
    return int(text) if text and NUMBER.fullmatch(text) else None

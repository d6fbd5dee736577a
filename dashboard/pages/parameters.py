"""Ids in the parameters of a URL, in which anybody can write anything."""

from uuid import UUID


def id_in(text: str | None) -> UUID | None:
    """Return the id in a text, or None if the text isn't an id."""
    try:
        return UUID(text or "")
    except ValueError:
        return None

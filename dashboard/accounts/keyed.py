"""Lookups by keys that come from outside, and pages that begin after a given row (keyset pages)."""

import re
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)
NUMBER = re.compile("[0-9]{1,18}")
"""A number that fits into every database's column of ids."""


class KeyedPage(NamedTuple):
    """Rows of a page, and the key of its last row as `after`; "" if no row follows."""

    rows: list[Any]
    after: str


def page_after(rows: "QuerySet[M]", field: str, after: str, most: int) -> KeyedPage:
    """Return at most `most` rows in the order of a field, from the row after the key `after` on.

    Rows with the same value are ordered by their keys. If no row has the key `after`, the page
    begins with the first row.
    """
    # The row may have left these rows since its page was shown.
    last = row_with_key(rows.model._base_manager.all(), after)  # noqa: SLF001 (Django documents it)
    if last is not None:
        value = getattr(last, field)
        is_next = Q(**{f"{field}__gt": value}) | Q(**{field: value}, pk__gt=last.pk)
        rows = rows.filter(is_next)
    found = list(rows.order_by(field, "pk")[: most + 1])
    shown = found[:most]
    return KeyedPage(shown, str(shown[-1].pk) if len(found) > most else "")


def row_with_key(rows: "QuerySet[M]", key: str) -> M | None:
    """Return the row with this key, of whatever type the keys are; None if there is none."""
    if not key:
        return None
    try:
        return rows.filter(pk=key).first()
    except (ValueError, ValidationError):  # not a key of this model
        return None


def number_in(text: str | None) -> int | None:
    """Return the number in a text from outside, such as "17" for an id; None for any other text."""
    return int(text) if text and NUMBER.fullmatch(text) else None

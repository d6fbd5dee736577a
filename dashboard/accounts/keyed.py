"""Pages of rows in an order; the next page begins after a given row and not at an offset."""

from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


class KeyedPage(NamedTuple):
    """Rows of a page, and the key of its last row as `after`; "" if no row follows."""

    rows: list[Any]
    after: str


def page_after(rows: "QuerySet[M]", field: str, after: str, most: int) -> KeyedPage:
    """Return at most `most` rows in the order of a field, from the row after the key `after` on.

    Rows with the same value are ordered by their keys. If no row has the key `after`, the page
    begins with the first row.
    """
    last = _row(rows, after)
    if last is not None:
        value = getattr(last, field)
        is_next = Q(**{f"{field}__gt": value}) | Q(**{field: value}, pk__gt=last.pk)
        rows = rows.filter(is_next)
    found = list(rows.order_by(field, "pk")[: most + 1])
    shown = found[:most]
    return KeyedPage(shown, str(shown[-1].pk) if len(found) > most else "")


def _row(rows: "QuerySet[M]", key: str) -> Any:
    if not key:
        return None
    try:
        return rows.model._base_manager.filter(pk=key).first()  # noqa: SLF001 (Django documents it)
    except (ValueError, ValidationError):  # not a key of this model
        return None

"""Pages of rows in an order, continued after the last row rather than at an offset."""

from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


class KeyedPage(NamedTuple):
    """Some rows, and the key after which the next page begins; "" if these are the last rows."""

    rows: list[Any]
    after: str


def page_after(rows: "QuerySet[M]", field: str, after: str, most: int) -> KeyedPage:
    """Return the rows that follow the one with the key `after`, in the order of a field.

    Rows with the same value are ordered by their keys. An unknown key begins at the first row.
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

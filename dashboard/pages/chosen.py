"""The choice of several rows in a list, for one action on all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from chat.services.bulk import MOST_AT_ONCE
from dashboard.pages.visit import Visit

V = TypeVar("V")


@dataclass(frozen=True)
class ChosenRows(Generic[V]):
    """The rows that a person has chosen in a list, up to the limit for one action."""

    shown: dict[UUID, V]
    """The version or phase that the page showed of each row, by the row's key."""
    beyond: int
    """The number of chosen rows that were left out because of the limit."""

    @property
    def context(self) -> dict[str, int]:
        """Template variables for a sentence that says that too many rows were chosen."""
        return {"beyond": self.beyond, "most_at_once": MOST_AT_ONCE}


def chosen_from(texts: Sequence[str], read: Callable[[str], V]) -> ChosenRows[V]:
    """Return the chosen rows, which a form sends as texts such as "KEY:3".

    `read` parses the part after the colon, and raises `ValueError` if it can't. Texts that can't be
    parsed are left out.
    """
    distinct, shown = list(dict.fromkeys(texts)), dict[UUID, V]()
    for text in distinct[:MOST_AT_ONCE]:
        key, _colon, part = text.partition(":")
        try:
            shown[UUID(key)] = read(part)
        except ValueError:
            continue
    return ChosenRows(shown, max(len(distinct) - MOST_AT_ONCE, 0))


def draw(
    request: Visit, folder: str, name: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Return a whole page; if htmx sent the request, only the part of the page for a dialog."""
    template = f"{folder}/{'_' if request.htmx else ''}{name}.html"
    return render(request, template, dict(context), status=status)

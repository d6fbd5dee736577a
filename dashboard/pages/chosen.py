"""Rows that somebody has chosen in a list, to act on all of them at once."""

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
class Chosen(Generic[V]):
    """The chosen rows that are handled at once, each with what was shown of it, and the others."""

    shown: dict[UUID, V]
    """The version or phase of each row as it was shown, by the row's key, in the order chosen."""
    beyond: int
    """The number of choices beyond those that are handled at once."""

    @property
    def context(self) -> dict[str, int]:
        """The variables with which a page tells of the choices beyond those handled at once."""
        return {"beyond": self.beyond, "most_at_once": MOST_AT_ONCE}


def chosen_from(texts: Sequence[str], read: Callable[[str], V]) -> Chosen[V]:
    """Return the choices that were sent as "key:shown"; those that can't be read are left out.

    `read` reads what was shown, and raises `ValueError` if it can't.
    """
    distinct, shown = list(dict.fromkeys(texts)), dict[UUID, V]()
    for text in distinct[:MOST_AT_ONCE]:
        key, _colon, part = text.partition(":")
        try:
            shown[UUID(key)] = read(part)
        except ValueError:
            continue
    return Chosen(shown, max(len(distinct) - MOST_AT_ONCE, 0))


def draw(
    request: Visit, folder: str, name: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Return a whole page, or what an open page shows in a dialog."""
    template = f"{folder}/{'_' if request.htmx else ''}{name}.html"
    return render(request, template, dict(context), status=status)

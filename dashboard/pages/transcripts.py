"""The part of a session's transcript that a page shows."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import localdate

from chat.models import Message
from chat.parts import SessionPart
from dashboard.accounts.keyed import number_in
from dashboard.overview.cards import cards_in
from dashboard.overview.viewer import time_for_viewer
from dashboard.pages.parameters import id_in
from dashboard.pages.visit import Visit

LONGEST_TRANSCRIPT = 100
SHOWN_BELOW = 20
"""The number of messages that are shown below an older message if a link leads to it."""
MOST_LINES, LINES_AROUND = 6, 2
"""The length of the longest series of lines that isn't folded, and the lines shown beside a fold.

Lines are short messages of the system, such as "bob joined". `LINES_AROUND` lines are shown before
and after each fold.
"""


class Folds(NamedTuple):
    """The folds in a transcript; each hides the middle of a long series of lines."""

    begins: dict[UUID, int]
    """The number of lines in each fold, by the id of the fold's first line."""
    ends: set[UUID]
    """The id of the last line of each fold."""


def folds_in(shown: Sequence[Message], *, but: Collection[UUID | None] = ()) -> Folds:
    """Return the folds of a transcript: each hides many lines from one day, such as "bob joined".

    A series of lines isn't folded if the id of one of them is in `but`.
    """
    folds = Folds({}, set())
    for (is_line, _), found in groupby(shown, lambda one: (one.is_line, localdate(one.at))):
        lines = list(found)
        if is_line and len(lines) > MOST_LINES and not any(one.pk in but for one in lines):
            folded = lines[LINES_AROUND:-LINES_AROUND]
            folds.begins[folded[0].pk] = len(folded)
            folds.ends.add(folded[-1].pk)
    return folds


def transcript(request: Visit, part: SessionPart) -> dict[str, Any]:
    """Return template variables with the messages of a session that the URL asks for.

    They are the newest messages, those around a linked message, or those before the number
    `before`.
    """
    session = part.session
    before = number_in(request.GET.get("before")) or _below(part, _linked(request, part))
    newest_first = part.messages.for_transcript().above(before).order_by("-seq")
    found = list(newest_first[: LONGEST_TRANSCRIPT + 1])
    shown = found[:LONGEST_TRANSCRIPT][::-1]
    return {
        "session": session,
        "current": session.pk,
        "transcript": shown,
        "cards": cards_in(shown, now=time_for_viewer(request)),
        "earlier": shown[0].seq if len(found) > LONGEST_TRANSCRIPT else None,
        "later": _page_after(part, shown[-1].seq) if before and shown else None,
        "is_latest": before is None,
    }


def _linked(request: Visit, part: SessionPart) -> Message | None:
    """Return the message whose id, or whose request's id, is in the URL; None if there is none."""
    message, asked = id_in(request.GET.get("message")), id_in(request.GET.get("request"))
    if message is None and asked is None:
        return None
    is_linked = Q(pk=message) if message else Q(request=asked)
    return part.messages.filter(is_linked).first()


def _below(part: SessionPart, linked: Message | None) -> int | None:
    """Return the number `before` for a transcript that shows the linked message among later ones.

    Return None if there is no linked message, or if the newest messages contain it.
    """
    places = _places_after(part, linked.seq) if linked else []
    return places[SHOWN_BELOW] if len(places) == LONGEST_TRANSCRIPT else None


def _page_after(part: SessionPart, seq: int) -> int | None:
    """Return the number `before` for the page of the messages after the message `seq`.

    Return None if this page is that of the newest messages.
    """
    places = _places_after(part, seq)
    return places[-1] if len(places) == LONGEST_TRANSCRIPT else None


def _places_after(part: SessionPart, seq: int) -> list[int]:
    later = part.messages.filter(seq__gt=seq).order_by("seq")
    return list(later.values_list("seq", flat=True)[:LONGEST_TRANSCRIPT])

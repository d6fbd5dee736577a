"""The part of a session's transcript that a page shows."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import localdate

from chat.models import Message
from chat.parts import Part
from dashboard.overview.cards import cards_in
from dashboard.overview.viewer import time_for_viewer
from dashboard.pages.parameters import id_in, number_in
from dashboard.pages.visit import Visit

LONGEST_TRANSCRIPT = 100
SHOWN_BELOW = 20
"""The number of messages shown below an older message to which a link leads."""
MOST_LINES, LINES_AROUND = 6, 2
"""The longest series of lines that is shown whole; and the lines before and after a fold."""


class Folds(NamedTuple):
    """The folds in a transcript, which hide the middle of long series of lines."""

    begins: dict[UUID, int]
    """The number of lines in each fold, by the first line."""
    ends: set[UUID]
    """The last lines of the folds."""


def folds_in(shown: Sequence[Message], *, but: Collection[UUID | None] = ()) -> Folds:
    """Return the folds of lines that were added on one day, such as those of many invitations.

    A series that contains a message in `but` isn't folded.
    """
    folds = Folds({}, set())
    for (is_line, _), found in groupby(shown, lambda one: (one.is_line, localdate(one.at))):
        lines = list(found)
        if is_line and len(lines) > MOST_LINES and not any(one.pk in but for one in lines):
            folded = lines[LINES_AROUND:-LINES_AROUND]
            folds.begins[folded[0].pk] = len(folded)
            folds.ends.add(folded[-1].pk)
    return folds


def transcript(request: Visit, part: Part) -> dict[str, Any]:
    """Return the newest messages of the session, or those around or before one in the URL."""
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


def _linked(request: Visit, part: Part) -> Message | None:
    """Return the message that the URL names, by its own id or by the id of its request."""
    message, asked = id_in(request.GET.get("message")), id_in(request.GET.get("request"))
    if message is None and asked is None:
        return None
    is_linked = Q(pk=message) if message else Q(request=asked)
    return part.messages.filter(is_linked).first()


def _below(part: Part, linked: Message | None) -> int | None:
    """Return the value of `before` with which a transcript shows the message.

    It is None if the message is among the newest, or if there is none.
    """
    places = _places_after(part, linked.seq) if linked else []
    return places[SHOWN_BELOW] if len(places) == LONGEST_TRANSCRIPT else None


def _page_after(part: Part, seq: int) -> int | None:
    """Return the value of `before` for the messages after this one; None if they are the newest."""
    places = _places_after(part, seq)
    return places[-1] if len(places) == LONGEST_TRANSCRIPT else None


def _places_after(part: Part, seq: int) -> list[int]:
    later = part.messages.filter(seq__gt=seq).order_by("seq")
    return list(later.values_list("seq", flat=True)[:LONGEST_TRANSCRIPT])

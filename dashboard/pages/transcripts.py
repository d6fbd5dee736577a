"""The part of a session's transcript that a page shows."""

from typing import Any

from django.db.models import Q

from chat.models import Message
from chat.parts import Part
from dashboard.overview.cards import cards_in
from dashboard.overview.viewer import time_for_viewer
from dashboard.pages.parameters import id_in, number_in
from dashboard.pages.visit import Visit

LONGEST_TRANSCRIPT = 100
SHOWN_BELOW = 20
"""The number of messages shown below an older message to which a link leads."""


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

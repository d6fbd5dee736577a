"""The progress of reading in a session: how far the viewer has read, and how far others have."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.models import Message
from chat.parts import SessionPart, find_part
from chat.unread import FollowedSession, mark_read, readers_of
from dashboard.live.streams import place_in
from dashboard.overview.readers import as_json
from dashboard.pages.visit import Visit


@require_POST
@login_required
def create_reading(request: Visit, session_id: UUID) -> HttpResponse:
    """Record that the viewer has read a session up to the message with the number `seq`.

    A number that is lower than the recorded one changes nothing. So a page may send numbers late.
    """
    part = find_part(request.user, session_id)
    if part is None:
        raise Http404
    try:
        seq = place_in(request.POST.get("seq", ""))
    except ValueError:
        return HttpResponse(status=400)
    mark_read(session_id, by=request.user, seq=max(seq, 0))
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(f"{reverse('countersign:session_detail', args=[session_id])}#latest")


def reading(
    part: SessionPart, mark: FollowedSession | None, shown: Sequence[Message], *, has_earlier: bool
) -> dict[str, Any]:
    """Return template variables about how far the viewer and others have read a transcript.

    The progress of others is shown only to people who may read the whole session. `has_earlier` is
    True if the session has messages before the shown ones.
    """
    readers = as_json(readers_of(part.session.pk)) if part.is_whole else None
    read_to = mark.read_to if mark and mark.read_to else 0
    return {
        "first_new": _first_new(part, mark, shown),
        "read_to": read_to,
        "read_by": readers,
        "last_shown": shown[-1].seq if shown else 0,
        "skips_new": has_earlier and bool(mark and mark.unread) and shown[0].seq > read_to,
    }


def _first_new(
    part: SessionPart, mark: FollowedSession | None, shown: Sequence[Message]
) -> UUID | None:
    """Return the id of the first shown message by somebody else that the viewer hasn't read.

    Return None if there is none, or if the viewer has never read in this session.
    """
    if mark is None or mark.read_to is None or not mark.unread:
        return None
    new = (one.pk for one in shown if one.seq > mark.read_to and one.author_id != part.user.pk)
    return next(new, None)

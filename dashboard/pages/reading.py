"""The reading of a session: where the viewer stopped, and who else has read what."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.models import Message
from chat.parts import Part, find_part
from chat.unread import Followed, mark_read, readers_of
from dashboard.live.streams import place_in
from dashboard.overview.readers import as_json
from dashboard.pages.visit import Visit


@require_POST
@login_required
def create_reading(request: Visit, session_id: UUID) -> HttpResponse:
    """Record that the viewer has read a session up to the message with this number.

    An earlier number changes nothing, so pages may send theirs in any order.
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
    part: Part, mark: Followed | None, shown: Sequence[Message], *, has_earlier: bool
) -> dict[str, Any]:
    """Return where the viewer's reading stopped, and the other readers, for a transcript.

    Only people who may read the whole session are shown who has read what. `has_earlier` is true if
    the transcript has messages before those that are shown.
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


def _first_new(part: Part, mark: Followed | None, shown: Sequence[Message]) -> UUID | None:
    """Return the first message by others that a viewer who has read here before hasn't read."""
    if mark is None or mark.read_to is None or not mark.unread:
        return None
    new = (one.pk for one in shown if one.seq > mark.read_to and one.author_id != part.user.pk)
    return next(new, None)

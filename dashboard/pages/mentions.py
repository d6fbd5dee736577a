"""Mentions in messages: the people whom the composer offers, and those who can't read a message."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from chat.mentions import LONGEST, people_to_mention
from chat.models import Message
from chat.parts import find_part
from dashboard.overview.words import listed
from dashboard.pages.parameters import id_in
from dashboard.pages.visit import Visit


@require_safe
@login_required
def session_people(request: Visit, session_id: UUID) -> HttpResponse:
    """Return the people whom the composer offers after an "@"; `q` is a part of their names."""
    part = find_part(request.user, session_id)
    if part is None:
        raise Http404
    try:
        to, _ = part.find_addressed(id_in(request.GET.get("request")))
    except Message.DoesNotExist:
        raise Http404 from None
    words = request.GET.get("q", "").replace("\0", "")[:LONGEST]
    found = people_to_mention(
        words, by=request.user, session=part.session, reply_to=to, is_whole=part.is_whole
    )
    return render(request, "chat/_people.html", {"people": found})


def unseen_words(names: Sequence[str]) -> str:
    """Return a sentence about mentioned people who can't read the message; "" if there are none."""
    if not names:
        return ""
    words = ngettext(
        "{names} can't see this session, and wasn't notified. Members can invite people.",
        "{names} can't see this session, and weren't notified. Members can invite people.",
        len(names),
    )
    return words.format(names=listed(names))

"""The open questions of a session, divided into those that the viewer may answer and the others."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from chat.models import HumanRequest, Message
from chat.models.request_queries import HumanRequestQuerySet
from chat.parts import SessionPart
from dashboard.pages.taking_part import MOST_BESIDE
from procedures.run_lists import MOST_COUNTED

LONGEST_ECHO = 90
MOST_OTHERS = 20


def questions_for(
    part: SessionPart,
    mine: HumanRequestQuerySet,
    opened: Sequence[HumanRequest] | None,
    known: Collection[UUID] | None = None,
) -> tuple[list[HumanRequest], list[tuple[UUID, str]]]:
    """Return the open requests that the viewer may answer, and choices for the other open ones.

    A choice consists of a message's id and a label. `mine` are all requests that the viewer may
    answer, as a query. `opened` contains the first `MOST_BESIDE` open requests of the session, and
    `known` the ids of the requests in `mine`; each is None if it hasn't been read yet.
    """
    if opened is None or len(opened) == MOST_BESIDE:
        waiting = list(mine.with_what_is_shown().by_urgency()[: MOST_COUNTED + 1])
        return waiting, _questions_of_others(part, mine)
    found = set(known or ())
    if known is None and opened:
        found = _keys(mine.filter(pk__in=[one.pk for one in opened]))
    others = sorted(one.pk for one in opened if one.pk not in found)
    waiting = _with_questions([one for one in opened if one.pk in found])
    return waiting, _about(others[-MOST_OTHERS:])


def _with_questions(requests: list[HumanRequest]) -> list[HumanRequest]:
    """Load the questions of those requests that were read without them; return the requests."""
    bare = {one.pk: one for one in requests if "question" in one.get_deferred_fields()}
    rows = HumanRequest.objects.filter(pk__in=bare).order_by().values_list("pk", "question")
    for pk, question in rows if bare else ():
        bare[pk].question = question
    return requests


def _questions_of_others(part: SessionPart, mine: HumanRequestQuerySet) -> list[tuple[UUID, str]]:
    """Return choices for the open requests that the viewer may see but not answer.

    A choice consists of a message's id and a label.
    """
    is_mine = Exists(mine.filter(pk=OuterRef("pk")))
    asked = part.requests.open().filter(~is_mine).order_by("-pk")[:MOST_OTHERS]
    return _about(_keys(asked))


def _about(requests: Collection[UUID]) -> list[tuple[UUID, str]]:
    cards = Message.objects.filter(request__in=requests).order_by("seq")
    rows = cards.values_list("pk", "request__prompt") if requests else ()
    return [
        (pk, _("About “{prompt}”").format(prompt=Truncator(prompt).chars(LONGEST_ECHO)))
        for pk, prompt in rows
    ]


def _keys(rows: QuerySet[Any]) -> set[UUID]:
    return set(rows.values_list("pk", flat=True))

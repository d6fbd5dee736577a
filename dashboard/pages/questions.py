"""The open questions of a session: those that wait for the viewer, and those for others only."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from chat.models import HumanRequest, Message
from chat.models.request import HumanRequestQuerySet
from chat.parts import Part
from dashboard.pages.taking_part import MOST_BESIDE
from procedures.run_lists import MOST_COUNTED

LONGEST_ECHO = 90
MOST_OTHERS = 20


def questions_for(
    part: Part,
    mine: HumanRequestQuerySet,
    opened: Sequence[HumanRequest] | None,
    known: Collection[UUID] | None = None,
) -> tuple[list[HumanRequest], list[tuple[UUID, str]]]:
    """Return the open requests that wait for the viewer, and message ids and labels of the others.

    `mine` are all requests that the viewer may answer. `opened` is the session's open requests, up
    to `MOST_BESIDE`, if they have been read already; then they aren't loaded again. `known` are the
    ids of `mine`, if they have been read.
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
    """Load the questions of these requests, if they were read without them, and return them."""
    bare = {one.pk: one for one in requests if "question" in one.get_deferred_fields()}
    rows = HumanRequest.objects.filter(pk__in=bare).order_by().values_list("pk", "question")
    for pk, question in rows if bare else ():
        bare[pk].question = question
    return requests


def _questions_of_others(part: Part, mine: HumanRequestQuerySet) -> list[tuple[UUID, str]]:
    """Return message ids and labels of open questions that the viewer may only discuss."""
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

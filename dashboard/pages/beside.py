"""The lists beside a transcript: runs, open requests, files and people of the session."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Min, QuerySet

from chat.models import HumanRequest, HumanResponse
from chat.parts import Part
from dashboard.overview import listed_runs
from procedures.among import is_among
from procedures.models import Artifact, Run
from procedures.run_lists import MOST_COUNTED
from procedures.users import name_field, users

MOST_BESIDE = 50
"""The maximum number of runs, requests and files listed beside a session."""


def beside(
    part: Part, *, now: datetime | None = None, known: Mapping[UUID, HumanRequest] | None = None
) -> dict[str, Any]:
    """Return the session's runs, requests, files and people, as far as the viewer may see them.

    `known` holds requests that were loaded for the transcript, which aren't loaded again.
    """
    runs = list(part.cards.order_by("-run").values_list("run", flat=True)[: MOST_COUNTED + 1])
    shown = _open_requests(part, known or {})
    files = Artifact.objects.filter(run__in=part.cards.values("run")).order_by("-pk")
    found = list(files[: MOST_COUNTED + 1])
    taking_part = people(part)
    listed = Run.objects.filter(pk__in=runs[:MOST_BESIDE]).for_lists().order_by("-pk")
    return {
        "runs": listed_runs(listed, now=now),
        "open_requests": shown,
        "files": found[:MOST_BESIDE],
        "people": taking_part[:MOST_BESIDE],
        "is_whole": part.is_whole,
        "counts": {
            "runs": len(runs),
            "files": len(found),
            "people": len(taking_part),
            "open_requests": len(shown)
            if len(shown) < MOST_BESIDE
            else part.requests.open().order_by()[: MOST_COUNTED + 1].count(),
        },
        "most": MOST_BESIDE,
    }


def _open_requests(part: Part, known: Mapping[UUID, HumanRequest]) -> list[HumanRequest]:
    """Return the most urgent open requests of the session that the viewer may see."""
    urgent = part.requests.open().by_urgency()
    ids = list(urgent.values_list("pk", flat=True)[:MOST_BESIDE])
    missing = [one for one in ids if one not in known]
    others = HumanRequest.objects.with_what_is_shown().defer("question")
    found = {**known, **(others.in_bulk(missing) if missing else {})}
    return [found[one] for one in ids if one in found]


def people(part: Part) -> list[tuple[str, datetime, bool]]:
    """Return the people who take part in what the viewer may see, and when each of them joined.

    With each comes True for a member of the session, as far as the viewer may know; members first.
    Of many members, only so many are read as can be counted, those who joined first; then others
    aren't looked for, because open pages read this list after each change.
    """
    joined = part.session.members.order_by("joined_at", "pk")
    names = joined.values_list(f"user__{name_field()}", "joined_at")
    members = [(*one, True) for one in names[: MOST_COUNTED + 1]] if part.is_whole else []
    return members if len(members) > MOST_BESIDE else [*members, *_others(part)]


def _others(part: Part) -> list[tuple[str, datetime, bool]]:
    """Return the people who have written or answered without being members, first ones first."""
    answers = HumanResponse.objects.filter(request__in=part.requests)
    came = [*_firsts(part.messages.exclude(author=None), "author"), *_firsts(answers, "user")]
    firsts: dict[Any, datetime] = dict(sorted(came, key=itemgetter(1), reverse=True))
    found = users().filter(is_among("pk", firsts))
    if part.is_whole:
        found = found.exclude(memberships__session=part.session)
    names = found.values_list("pk", name_field())
    return sorted(((name, firsts[key], False) for key, name in names), key=itemgetter(1))


def _firsts(rows: QuerySet[Any], person: str) -> Iterable[tuple[Any, datetime]]:
    """Return the key of each person, and the time of that person's earliest row."""
    firsts: Iterable[tuple[Any, datetime]] = rows.order_by().values_list(person).annotate(Min("at"))
    return firsts

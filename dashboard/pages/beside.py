"""The lists beside a transcript: the runs, open requests, files and people of the session."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from chat.models import HumanRequest
from chat.parts import SessionPart
from dashboard.overview import listed_runs
from dashboard.overview.lists import Listed
from dashboard.pages.taking_part import (
    MOST_BESIDE,
    ReadSession,
    listed_people,
    participants_of,
    writers_of,
)
from procedures.models import Artifact, Run
from procedures.run_lists import MOST_COUNTED


def beside(
    part: SessionPart, *, now: datetime | None = None, read: ReadSession | None = None
) -> dict[str, Any]:
    """Return the session's runs, requests, files and people that the viewer may see.

    The result also contains the writers to whom the composer offers a reply. `read` contains what
    the page has already read for the transcript.
    """
    read = read or ReadSession()
    runs = _runs(part, read)
    opened, count = _open_requests(part, read)
    within = runs if len(runs) <= MOST_COUNTED else part.cards.values("run")
    files = Artifact.objects.filter(run__in=within).order_by("-pk")
    found = list(files[: MOST_COUNTED + 1]) if runs else []
    people = participants_of(part, read)
    listed = listed_people(part, people)
    return {
        "runs": _listed(runs[:MOST_BESIDE], read, now),
        "open_requests": opened,
        "files": found[:MOST_BESIDE],
        "people": listed[:MOST_BESIDE],
        "writers": writers_of(part, people, read),
        "is_whole": part.is_whole,
        "counts": {
            "runs": len(runs),
            "files": len(found),
            "people": len(listed),
            "open_requests": count,
        },
        "most": MOST_BESIDE,
    }


def _runs(part: SessionPart, read: ReadSession) -> list[UUID]:
    """Return the newest runs of the session that the viewer may see.

    At most `MOST_COUNTED` + 1 are returned, so that the caller can tell if there are more.
    """
    if read.is_all:
        found = sorted({one.run_id for one in read.cards if one.run_id}, reverse=True)
    else:
        found = list(part.cards.order_by("-run").values_list("run", flat=True)[: MOST_COUNTED + 1])
    return found[: MOST_COUNTED + 1]


def _listed(runs: Sequence[UUID], read: ReadSession, now: datetime | None) -> list[Listed]:
    missing = [one for one in runs if one not in read.listed]
    others = Run.objects.filter(pk__in=missing).for_lists()
    found = {one.run.pk: one for one in listed_runs(others if missing else (), now=now)}
    found |= read.listed
    return [found[one] for one in runs if one in found]


def _open_requests(part: SessionPart, read: ReadSession) -> tuple[list[HumanRequest], int]:
    """Return the most urgent open requests that the viewer may see, and how many there are.

    The number is counted up to `MOST_COUNTED` + 1.
    """
    known = {one.request.pk: one.request for one in read.messages if one.request}
    if read.is_all:
        asked = (one for one in known.values() if one.status == HumanRequest.Status.OPEN)
        every = sorted(asked, key=attrgetter("urgency"))
        return every[:MOST_BESIDE], len(every)
    urgent = part.requests.open().by_urgency()
    ids = list(urgent.values_list("pk", flat=True)[:MOST_BESIDE])
    missing = [one for one in ids if one not in known]
    others = HumanRequest.objects.with_what_is_shown().defer("question")
    found = {**known, **(others.in_bulk(missing) if missing else {})}
    count = len(ids)
    if count == MOST_BESIDE:
        count = part.requests.open().order_by()[: MOST_COUNTED + 1].count()
    return [found[one] for one in ids if one in found], count

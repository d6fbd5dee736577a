"""Runs: the list, one run as it stands, its whole journal."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from chat.access import answerable_requests
from chat.models import Message, Session
from procedures import access
from procedures.access import SignedIn
from procedures.engine.journal import RunStatus
from procedures.models import Procedure, Run, Wait
from procedures.overview import listed_runs, run_overview
from procedures.overview.runs import LIVE_ROWS, MOST_ROWS
from procedures.overview.states import WORDS
from procedures.paging import page

MOST_EVENTS = 200
WAITING = {"people": ("person", "Waiting for people"), "time": ("timer", "Waiting for time")}
FILTERS: dict[str, tuple[str, str]] = {
    "queued": WORDS[RunStatus.QUEUED],
    "running": WORDS[RunStatus.RUNNING],
    **WAITING,
    **{
        status.value: words
        for status, words in WORDS.items()
        if status not in {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING}
    },
}
"""By the value in the address: how a state looks and what it is called."""


@require_safe
@login_required
def run_list(request: SignedIn) -> HttpResponse:
    visible = access.visible_runs(request.user)
    procedure = request.GET.get("procedure", "").replace("\0", "")
    state = request.GET.get("state", "")
    state = state if state in FILTERS else ""
    of_procedure = visible.filter(procedure__name=procedure) if procedure else visible
    found = page(
        _in(of_procedure, state).select_related("procedure", "started_by"),
        by="-id",
        after=_id(request.GET.get("after")),
    )
    context = {
        "runs": listed_runs(found["items"]),
        "mine": _that_wait_for(request, found["items"]),
        "titles": _titles(found["items"]),
        "next": found["next"],
        "states": _states(of_procedure, state),
        "procedures": Procedure.objects.filter(runs__in=visible).distinct(),
        "procedure": procedure,
        "state": FILTERS.get(state, ("", ""))[1],
        "chosen": state,
    }
    return render(request, "procedures/runs.html", context)


@require_safe
@login_required
def run_detail(request: SignedIn, run_id: UUID) -> HttpResponse:
    run = find(request, run_id)
    newest = run.events.order_by("-seq")[:MOST_EVENTS]
    is_whole = request.GET.get("rows") == "all"
    context = run_overview(run, most_rows=MOST_ROWS if is_whole else LIVE_ROWS) | {
        "is_whole": is_whole,
        "events": list(newest)[::-1],
        "earlier": max(run.head_seq - MOST_EVENTS, 0),
        "session": session_of(run),
    }
    return render(request, "procedures/run.html", context)


@require_safe
@login_required
def run_journal(request: SignedIn, run_id: UUID) -> HttpResponse:
    """Every event from the first one on, some at a time."""
    run = find(request, run_id)
    after = request.GET.get("after", "")
    found = page(
        run.events.all(), by="seq", after=int(after) if after.isdecimal() else 0, limit=MOST_EVENTS
    )
    context = {"run": run, "events": found["items"], "next": found["next"]}
    return render(request, "procedures/journal.html", context)


def find(request: SignedIn, run_id: UUID) -> Run:
    runs = access.visible_runs(request.user).select_related("procedure", "started_by", "version")
    return get_object_or_404(runs, pk=run_id)


def session_of(run: Run) -> Session | None:
    return Session.objects.filter(messages__run=run, messages__kind="run").first()


def _that_wait_for(request: SignedIn, runs: list[Run]) -> set[UUID]:
    """Those of the runs that ask the person who looks."""
    asked = answerable_requests(request.user).filter(wait__run__in=[run.pk for run in runs])
    return set(asked.values_list("wait__run_id", flat=True))


def _titles(runs: list[Run]) -> dict[UUID, str]:
    """What tells the runs apart: the titles of their sessions."""
    cards = Message.objects.filter(run__in=[run.pk for run in runs], kind=Message.Kind.RUN)
    return dict(cards.order_by().values_list("run_id", "session__title"))


def _states(runs: QuerySet[Run], chosen: str) -> list[dict[str, Any]]:
    """What can be filtered by: the states there are, and the chosen one."""
    counted = runs.order_by().values_list("status").annotate(Count("pk"))
    counts: dict[str, int] = dict(counted)
    waiting = counts.pop(RunStatus.WAITING, 0)
    counts["people"] = _in(runs, "people").count() if waiting else 0
    counts["time"] = waiting - counts["people"]
    return [
        {"value": value, "look": look, "words": words, "count": counts.get(value, 0)}
        for value, (look, words) in FILTERS.items()
        if counts.get(value) or value == chosen
    ]


def _in(runs: QuerySet[Run], state: str) -> QuerySet[Run]:
    """The runs in one state of the filter; waiting for people and for time are told apart."""
    if state not in WAITING:
        return runs.filter(status=state) if state else runs
    asks = Exists(Wait.objects.open().filter(run=OuterRef("pk"), kind=Wait.Kind.REQUEST))
    return runs.filter(asks if state == "people" else ~asks, status=RunStatus.WAITING)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None

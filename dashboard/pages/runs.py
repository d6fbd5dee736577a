"""The list of runs, the page of a run, and the page of a run's whole journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_safe

from chat.access import AccessCache, answerable_requests, reads_all_of, titles_for
from chat.models import Message, Session
from dashboard.accounts.keyed import number_in
from dashboard.live.streams import RUNS
from dashboard.overview import listed_runs, run_overview
from dashboard.overview.states import WORDS
from dashboard.overview.viewer import time_for_viewer
from dashboard.pages.dialogs import operable, operations_of
from dashboard.pages.marks import with_marks
from dashboard.pages.parameters import id_in
from dashboard.pages.requests import questions_of
from dashboard.pages.visit import Visit
from procedures import access
from procedures.access import SignedIn
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.library import JOBS
from procedures.models import Run
from procedures.models.event import EventQuerySet
from procedures.paging import PAGE, page, page_of_runs
from procedures.run_lists import MOST_COUNTED, RunList, count_for_lists, procedures_of_runs
from procedures.services.retention.reasons import holds_on
from procedures.users import User

MOST_EVENTS = 200
MOST_NEW = 99
ERRORS = Q(kind__in=(EventKind.STEP_FAILED, EventKind.RUN_FAILED, EventKind.RUN_QUARANTINED))
ERRORS |= Q(kind=EventKind.WAIT_CLOSED, data__contains='"outcome":"failed"')  # of a child run
"""A condition for events that are errors.

The pattern has quotes, which JSON escapes in strings, so what people or code write can't match it.
"""
WAITING = {
    "people": ("person", lazy("Waiting for people")),
    "time": ("timer", lazy("Waiting, but not for people")),
}
FILTERS: dict[str, tuple[str, str | Promise]] = {
    "queued": WORDS[RunStatus.QUEUED],
    "running": WORDS[RunStatus.RUNNING],
    **WAITING,
    **{
        status.value: words
        for status, words in WORDS.items()
        if status not in {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING}
    },
}
"""The states by which the list can be filtered: a look and a label, by the value in the URL."""


@require_safe
@login_required
@with_marks(RUNS)
def run_list(request: SignedIn) -> HttpResponse:
    choice = Choice.of(request)
    found = page_of_runs(choice.runs, after=id_in(request.GET.get("after")))
    context = {
        "runs": listed_runs(found["items"], now=time_for_viewer(request)),
        "mine": _that_wait_for(request, found["items"]),
        "titles": _titles(request, found["items"]),
        "next": found["next"],
        "states": [one for one in choice.states if one["count"] or one["value"] == choice.state],
        "procedures": procedures_of_runs(request.user),
        "procedure": choice.procedure,
        "state": FILTERS.get(choice.state, ("", ""))[1],
        "chosen": choice.state,
        "operable": operable(request.user, {one.procedure_id for one in found["items"]}),
    }
    return render(request, "procedures/runs.html", context)


@require_safe
@login_required
def run_changes(request: SignedIn) -> HttpResponse:
    """Return the current rows of the runs in `shown`, the counts, and the number of newer runs.

    An open list of runs fetches this after a change.
    """
    choice = Choice.of(request)
    shown = [pk for pk in map(id_in, request.GET.getlist("shown")) if pk]
    runs = list(choice.runs.load(shown[:PAGE]).for_lists())
    context = {
        "runs": listed_runs(runs),
        "mine": _that_wait_for(request, runs),
        "titles": _titles(request, runs),
        "states": choice.states,
        "new": 0 if "after" in request.GET else choice.count_new(shown),
        "most_new": MOST_NEW,
    }
    return render(request, "procedures/_run_changes.html", context)


@require_safe
@login_required
@with_marks()
def run_detail(request: Visit, run_id: UUID) -> HttpResponse:
    run = find(request, run_id)
    newest = _events(request, run).order_by("-seq")[:MOST_EVENTS]
    is_whole, step = request.GET.get("rows") == "all", request.GET.get("step", "")
    session, above = session_of(run, request.user), run.parent_wait
    seen = access.visible_runs(request.user).select_related("procedure")
    overview = run_overview(run, is_whole=is_whole)
    if step and not any(drawn.row.key == step for drawn in overview["rows"]):  # folded, or earlier
        overview, is_whole = run_overview(run, is_whole=True), True
    context = overview | {
        "step": step or None,
        "is_whole": is_whole,
        "sees_tracebacks": access.may_operate(request.user, run),
        "events": list(newest)[::-1],
        "earlier": max(run.head_seq - MOST_EVENTS, 0),
        "only": _only(request),
        "session": session,
        "title": _titles(request, [run]).get(run.pk),
        "above": seen.filter(pk=above.run_id).first() if above else None,
        "origin": seen.filter(copies=run).first(),
        "copies": seen.filter(origin=run),
        "is_held": bool(holds_on(run)),
        "is_job": run.procedure.name in JOBS,
        **operations_of(request, run),
        **questions_of(request, run.pk),
    }
    return render(request, "procedures/run.html", context)


@require_safe
@login_required
@with_marks()
def run_journal(request: SignedIn, run_id: UUID) -> HttpResponse:
    """Return a page of the run's journal, with the oldest events first."""
    run = find(request, run_id)
    seq = number_in(request.GET.get("after")) or 0
    found = page(_events(request, run), by="seq", after=seq, limit=MOST_EVENTS)
    context = {
        "run": run,
        "events": found["items"],
        "next": found["next"],
        "only": _only(request),
        "sees_tracebacks": access.may_operate(request.user, run),
    }
    return render(request, "procedures/journal.html", context)


def _only(request: SignedIn) -> str:
    """Return "errors" if the URL asks only for events that are errors, else ""."""
    return "errors" if request.GET.get("events") == "errors" else ""


def _events(request: SignedIn, run: Run) -> EventQuerySet:
    events = run.events.all()
    return events.filter(ERRORS) if _only(request) else events


@dataclass(frozen=True)
class Choice:
    """The filters that a person has chosen in the list of runs."""

    user: User
    procedure: str
    state: str

    @classmethod
    def of(cls, request: SignedIn) -> "Choice":
        state = request.GET.get("state", "")
        return cls(
            request.user,
            request.GET.get("procedure", "").replace("\0", ""),
            state if state in FILTERS else "",
        )

    @property
    def runs(self) -> RunList:
        return RunList(self.user, self.state, self.procedure)

    @property
    def states(self) -> list[dict[str, Any]]:
        """The filters by state, each with the number of its runs as a text, such as "99+"."""
        counts = count_for_lists(self.user, self.procedure, *FILTERS)
        return [
            {"value": value, "look": look, "words": words, "count": shown_count(counts[value])}
            for value, (look, words) in FILTERS.items()
        ]

    def count_new(self, shown: Sequence[UUID]) -> int:
        """Return how many runs of this list are newer than the oldest run in `shown`.

        Runs in `shown` aren't counted, and at most `MOST_NEW` + 1 are.
        """
        newest = self.runs.newest(len(shown) + MOST_NEW + 1, since=min(shown, default=None))
        return min(len(set(newest) - set(shown)), MOST_NEW + 1)


def shown_count(count: int) -> int | str:
    """Return a number to show; "99+" if it is larger than 99."""
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else count


def find(request: SignedIn, run_id: UUID) -> Run:
    runs = access.visible_runs(request.user).select_related(
        "procedure", "started_by", "version", "head", "parent_wait"
    )
    return get_object_or_404(runs, pk=run_id)


def session_of(run: Run, user: User) -> Session | None:
    """Return the session that contains the run's card.

    Return None if there is none, or if it is private and the user may not read all of it.
    """
    session = Session.objects.filter(messages__run=run, messages__kind="run").first()
    if session and session.is_private and not reads_all_of(user, [session.pk]):
        return None
    return session


def _that_wait_for(request: SignedIn, runs: list[Run]) -> set[UUID]:
    """Return the ids of unpaused runs with a request that the viewer may answer."""
    going_on = [run.pk for run in runs if run.status != RunStatus.PAUSED]
    asked = answerable_requests(request.user).filter(wait__run__in=going_on)
    return set(asked.values_list("wait__run_id", flat=True))


def _titles(request: SignedIn, runs: list[Run]) -> dict[UUID, str]:
    """Return, for each run without a subject, the title of the session with its card.

    Titles that people have given are left out, because they don't describe the run.
    """
    unnamed = [run.pk for run in runs if not run.subject]
    if not unnamed:
        return {}
    # A title that people have given names the subject of their session, not the run.
    cards = Message.objects.cards().filter(run__in=unnamed, session__is_named=False)
    sessions = dict(cards.order_by().values_list("run_id", "session"))
    sight = AccessCache(request.user, runs=sessions)
    titles = titles_for(request.user, sessions.values(), sight=sight)
    return {run: titles[session] for run, session in sessions.items() if session in titles}

"""The page after sign-in: open requests, stuck and running runs, and what is due next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chat.models import HumanRequest
from dashboard.live.streams import RUNS
from dashboard.overview import listed_runs
from dashboard.overview.lists import Listed
from dashboard.overview.outlook import Outlook
from dashboard.overview.words import Sentence
from dashboard.pages.marks import with_marks
from dashboard.pages.requests import waiting
from dashboard.pages.visit import Visit
from procedures import access
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.models.run_queries import values_of
from procedures.services import complaints_for

LONGEST_LIST = 6
MOST_STUCK = 30
"""The most stuck runs that are read, to count them and to group those with the same error."""


@dataclass(frozen=True)
class Alike:
    """Runs of one procedure that are stuck for the same reason, the newest first."""

    sentence: Sentence
    runs: list[Listed]


@require_safe
@login_required
@with_marks(RUNS)
def home(request: Visit) -> HttpResponse:
    startable = access.procedures_for(request.user, "start")[: LONGEST_LIST + 1]
    context = waiting(request) | overview(request) | {"startable": list(startable)}
    context["is_operator"] = access.is_operator(request.user)
    return render(request, "dashboard/home.html", context)


@require_safe
@login_required
def home_overview(request: Visit) -> HttpResponse:
    """Return everything but the request cards, for an open page that has learned of a change."""
    return render(request, "dashboard/_home_changes.html", overview(request))


def overview(request: Visit) -> dict[str, Any]:
    outlook = Outlook(request.user, clock.now())
    stuck, working = outlook.stuck(MOST_STUCK + 1), outlook.working(LONGEST_LIST + 1)
    runs = Run.objects.filter(pk__in=[*stuck, *working]).for_lists()
    listed = {one.run.pk: one for one in listed_runs(runs)}
    alone = HumanRequest.objects.filter(pk__in=outlook.alone(LONGEST_LIST + 1))
    coming = Wait.objects.filter(pk__in=outlook.coming(LONGEST_LIST)).with_reasons()
    unanswerable = list(alone.with_what_is_shown().by_urgency())
    return {
        "alone": unanswerable,
        "stuck": alike([listed[pk] for pk in stuck[:MOST_STUCK] if pk in listed]),
        "stuck_count": len(stuck) + len(unanswerable),
        "most_stuck": MOST_STUCK,
        "working": [listed[pk] for pk in working if pk in listed],
        "coming": list(
            coming.order_by("due_at")
            .select_related("run__procedure", "request")
            .defer("request__question", *values_of("run"))
        ),
        "shown": LONGEST_LIST,
        "complaints": complaints_for(request.user),
    }


def alike(stuck: Iterable[Listed]) -> list[Alike]:
    """Group runs by procedure and reason, in the order of the newest of each group."""
    groups: dict[tuple[int, str], Alike] = {}
    for one in stuck:
        key = (one.run.procedure_id, str(one.state.sentence))
        groups.setdefault(key, Alike(one.state.sentence, [])).runs.append(one)
    return list(groups.values())

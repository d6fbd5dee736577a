"""The page after sign-in: open requests, stuck and running runs, and what is due next."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chat import services
from chat.access import visible_requests
from dashboard.overview import listed_runs
from dashboard.overview.openings import LATE, removed, stuck
from dashboard.pages.requests import waiting
from dashboard.pages.visit import Visit
from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.models.run_queries import values_of
from procedures.services import complaints_for

LONGEST_LIST = 6
WORKING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)


@require_safe
@login_required
def home(request: Visit) -> HttpResponse:
    startable = access.procedures_for(request.user, "start")[: LONGEST_LIST + 1]
    context = waiting(request) | overview(request) | {"startable": list(startable)}
    return render(request, "dashboard/home.html", context)


@require_safe
@login_required
def home_overview(request: Visit) -> HttpResponse:
    """Return everything but the request cards, for an open page that was told of a change."""
    return render(request, "dashboard/_home_changes.html", overview(request))


def overview(request: Visit) -> dict[str, Any]:
    now = clock.now()
    runs = access.visible_runs(request.user).for_lists()
    waits = Wait.objects.open().filter(access.is_visible(request.user, "run"))
    is_stuck = stuck(now)
    working = runs.filter(~is_stuck, status__in=WORKING)
    alone = services.requests_without_answerers() & visible_requests(request.user)
    still = Q(run__status=RunStatus.PAUSED) | Q(run__in=Run.objects.filter(removed()))
    coming = waits.filter(due_at__gte=now - LATE).exclude(still)
    return {
        "alone": list(alone.with_what_is_shown().by_urgency()[: LONGEST_LIST + 1]),
        "stuck": listed_runs(runs.filter(is_stuck).order_by("-pk")[: LONGEST_LIST + 1]),
        "working": listed_runs(working.order_by("-pk")[: LONGEST_LIST + 1]),
        "coming": list(
            coming.with_reasons()
            .order_by("due_at")
            .select_related("run__procedure", "request")
            .defer("request__question", *values_of("run"))[:LONGEST_LIST]
        ),
        "shown": LONGEST_LIST,
        "complaints": complaints_for(request.user),
    }

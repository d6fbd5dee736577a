"""The page after sign-in: open requests, stuck and active runs, and waits that end next."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.live.streams import RUNS
from dashboard.overview.home import HOME, contents_of
from dashboard.overview.outlook import LONGEST_LIST, Outlook
from dashboard.pages.dialogs import operable
from dashboard.pages.marks import with_marks
from dashboard.pages.requests import waiting
from dashboard.pages.visit import Visit
from procedures import access
from procedures.models.clock import clock
from procedures.services import complaints_for


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
    """Return everything except the cards of requests, for an open page after a change."""
    return render(request, HOME, overview(request))


def overview(request: Visit) -> dict[str, Any]:
    lists = Outlook(request.user, clock.now()).lists()
    shown = contents_of([lists])[lists]
    if shown["stuck"]:  # operators read this themselves: no frame brings it
        shown["operable"] = operable(request.user)
    return shown | {"complaints": complaints_for(request.user)}

"""The page after sign-in: open requests, stuck and active runs, and the waits that end next."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.live.streams import RUNS
from dashboard.overview.days import days_for
from dashboard.overview.health import read_figures
from dashboard.overview.home import HOME, contents_for
from dashboard.overview.outlook import LONGEST_LIST, Outlook
from dashboard.overview.viewer import is_operator_for_viewer, time_for_viewer
from dashboard.pages.dialogs import operable
from dashboard.pages.marks import with_marks
from dashboard.pages.requests import waiting
from dashboard.pages.visit import Visit
from procedures import access
from procedures.holdings import holdings_of
from procedures.models import Procedure
from procedures.services import complaints
from procedures.users import User


@require_safe
@login_required
@with_marks(RUNS)
def home(request: Visit) -> HttpResponse:
    is_operator = is_operator_for_viewer(request)
    context = waiting(request) | overview(request, is_operator=is_operator)
    context |= {"startable": startable_by(request.user), "is_operator": is_operator}
    if is_operator:
        context["figures"] = read_figures(time_for_viewer(request))
    return render(request, "dashboard/home.html", context)


@require_safe
@login_required
def home_overview(request: Visit) -> HttpResponse:
    """Return the page without the cards of requests; an open page fetches this after a change."""
    is_operator = is_operator_for_viewer(request)
    return render(request, HOME, overview(request, is_operator=is_operator))


@require_safe
@login_required
def home_health(request: Visit) -> HttpResponse:
    """Return the figures of the site's parts; the open home page of an operator fetches them."""
    if not access.is_operator(request.user):
        raise Http404
    figures = read_figures(time_for_viewer(request))
    return render(request, "dashboard/_home_figures.html", {"figures": figures})


@require_safe
@login_required
@with_marks()
def home_days(request: Visit) -> HttpResponse:
    """Return the outcomes of the last days' runs: as a part of home for htmx, else as a page."""
    found = days_for(request.user, time_for_viewer(request))
    template = "dashboard/_days.html" if request.htmx else "dashboard/days.html"
    return render(request, template, {"lines": found.lines, "is_partial": found.is_partial})


def startable_by(user: User) -> list[Procedure]:
    """Return the procedures that a person may start, up to one more than home offers."""
    if not user.is_superuser and not holdings_of(user).procedures("start"):
        return []
    return list(access.procedures_for(user, "start")[: LONGEST_LIST + 1])


def overview(request: Visit, *, is_operator: bool) -> dict[str, Any]:
    outlook = Outlook(request.user, time_for_viewer(request))
    shown = contents_for(outlook)
    if not is_operator:
        return shown
    # Frames don't contain this; operators' pages fetch it themselves.
    shown["operable"] = operable(request.user, stuck_in(shown)) if shown["stuck"] else set()
    return shown | {"complaints": complaints(now=outlook.now, missing=outlook.missing)}


def stuck_in(contents: dict[str, Any]) -> set[int]:
    """Return the ids of the procedures of all stuck runs in this context of the page."""
    return {one.run.procedure_id for alike in contents["stuck"] for one in alike.runs}

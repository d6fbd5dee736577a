"""The page after sign-in: open requests, stuck and active runs, and waits that end next."""

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
    """Return everything except the cards of requests, for an open page after a change."""
    is_operator = is_operator_for_viewer(request)
    return render(request, HOME, overview(request, is_operator=is_operator))


@require_safe
@login_required
def home_health(request: Visit) -> HttpResponse:
    """Return the figures of the site's parts, for the open home page of an operator."""
    if not access.is_operator(request.user):
        raise Http404
    figures = read_figures(time_for_viewer(request))
    return render(request, "dashboard/_home_figures.html", {"figures": figures})


@require_safe
@login_required
@with_marks()
def home_days(request: Visit) -> HttpResponse:
    """Return what became of the runs of the last days: for htmx a part of home, else a page."""
    found = days_for(request.user, time_for_viewer(request))
    template = "dashboard/_days.html" if request.htmx else "dashboard/days.html"
    return render(request, template, {"lines": found.lines, "is_partial": found.is_partial})


def startable_by(user: User) -> list[Procedure]:
    """Return the first procedures that a person may start, as home offers them."""
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


def stuck_in(shown: dict[str, Any]) -> set[int]:
    """Return the procedures of the stuck runs that are shown."""
    return {one.run.procedure_id for alike in shown["stuck"] for one in alike.runs}

"""Stopping runs of a session: a button that replaces Send while a run works, and its page."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from chat.parts import SessionPart
from dashboard.overview.consequences import OperationFacts, consequences
from dashboard.overview.operations import refusals
from dashboard.overview.words import Sentence
from dashboard.pages.chat import find
from dashboard.pages.listeners import newest_runs, stoppable
from dashboard.pages.visit import Visit
from procedures import services
from procedures.engine.errors import EngineError
from procedures.models import Run


@dataclass(frozen=True)
class Stoppable:
    """A run that the viewer may cancel, and sentences about the consequences of cancelling it."""

    run: Run
    words: list[Sentence]


@require_safe
@login_required
def stop_button(request: Visit, session_id: UUID) -> HttpResponse:
    """Return the button that replaces Send, or nothing if the viewer can stop no run."""
    part = find(request, session_id)
    context = {"session": part.session, "stoppable": _at_work(part)}
    return render(request, "chat/_stop_button.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def session_stop(request: Visit, session_id: UUID) -> HttpResponse:
    """List the runs that the viewer may stop, with the consequences; a POST cancels one of them.

    The run is cancelled as by the button on its own page.
    """
    part = find(request, session_id)
    if request.method != "POST":
        return _page(request, part)
    named = request.POST.get("run", "")
    run = next((one for one in _at_work(part) if str(one.pk) == named), None)
    if run is None:
        return _page(request, part, refusal=_why_not(part, named), status=422)
    reason = request.POST.get("reason", "").strip() or _("Stopped in the chat.")
    try:
        message = services.cancel_run(
            run.pk, by=request.user, reason=services.checked_reason(reason)
        )
    except EngineError as error:
        return _page(request, part, refusal=str(error), status=422)
    if request.htmx:
        return render(request, "chat/_stopped.html", {"session": part.session, "feedback": message})
    messages.success(request, message)
    return redirect(reverse("countersign:session_detail", args=[part.session.pk]))


def _why_not(part: SessionPart, named: str) -> str:
    """Return why the viewer can't stop the run with this id."""
    runs = [run for run in newest_runs(part) if str(run.pk) == named]
    if not runs:
        return _("Not found, or you don't have access.")
    [why_not] = refusals(part.user, runs, "cancel").values()
    return why_not or _("This run isn't working now. You can cancel it on its own page.")


def _at_work(part: SessionPart) -> list[Run]:
    return stoppable(part.user, newest_runs(part))


def _page(request: Visit, part: SessionPart, *, status: int = 200, **more: Any) -> HttpResponse:
    found = [
        Stoppable(one, consequences("cancel", OperationFacts.of(one))) for one in _at_work(part)
    ]
    context = {"session": part.session, "found": found, **more}
    name = "chat/_stop.html" if request.htmx else "chat/stop.html"
    return render(request, name, context, status=status)

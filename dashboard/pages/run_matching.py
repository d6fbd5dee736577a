"""An operation on all runs that match the filters of the list: what it would do, and its start."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import override
from django.views.decorators.http import require_http_methods

from dashboard.forms.operations import ReasonForm
from dashboard.overview.forecasts import forecast_words
from dashboard.overview.operations import ALL, Name
from dashboard.pages.dialogs import reasons_of, remember, typed_reason
from dashboard.pages.marks import with_marks
from dashboard.pages.operations import REASON_NEEDED
from dashboard.pages.run_bulk import FOLLOWS
from dashboard.pages.runs import FILTERS, Choice
from dashboard.pages.starting import LONGEST_KEY
from dashboard.pages.visit import Visit
from procedures.engine.errors import EngineError
from procedures.models import Procedure
from procedures.models.run_queries import RunQuerySet
from procedures.run_lists import in_state
from procedures.services import bulk

OFFERED: dict[Name, Any] = {
    "cancel": FOLLOWS["cancel"],
    "pause": lazy(
        "Each run pauses, at once or before its next step. Its deadlines aren't extended, and its "
        "child runs continue."
    ),
    "unpause": FOLLOWS["unpause"],
    "retry": FOLLOWS["retry"],
    "force_end": lazy(
        "Each run and its descendants end at once. Nothing is undone, and steps in progress may "
        "still take effect."
    ),
}
"""The operations that are possible on all matching runs, each with a sentence on what follows."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def run_matching(request: Visit) -> HttpResponse:
    """Show what an operation would do to all matching runs; a POST with a reason starts it."""
    choice = Choice.of(request)
    sent = (
        request.POST.get("operation")
        if request.method == "POST"
        else request.GET.get("operation", "cancel")
    )
    name: Name | None = next((one for one in OFFERED if one == sent), None)
    # A wrong word must not lead to another operation, or to more runs than somebody has meant.
    if name is None or choice.state != request.GET.get("state", ""):
        raise Http404
    runs = _matching(choice, name)
    form = ReasonForm(typed_reason(request)) if request.method == "POST" else None
    refusal = ""
    if form and form.is_valid():
        reason = form.cleaned_data["reason"]
        key = request.POST.get("key", "").replace("\0", "")[:LONGEST_KEY]
        try:
            job = bulk.act_on_matching(
                runs, name, by=request.user, reason=reason, which=_described(choice), key=key
            )
        except EngineError as error:
            refusal = str(error)
        else:
            remember(request, reason)
            messages.success(request, _("Started. This page shows the progress."))
            return redirect("countersign:run_detail", job.pk)
    found = bulk.forecast(runs, name)
    context = {
        "operation": ALL[name],
        "operations": [ALL[one] for one in OFFERED],
        "forecast": found,
        "sentences": list(forecast_words(name, found)),
        "follows": OFFERED[name],
        "procedure": Procedure.objects.filter(name=choice.procedure).first(),
        "state": FILTERS.get(choice.state, ("", ""))[1],
        "filters": {"state": choice.state, "procedure": choice.procedure},
        "reasons": reasons_of(request),
        "fault": refusal or (REASON_NEEDED if form else ""),
        "key": uuid4().hex,
    }
    return render(request, "procedures/run_matching.html", context, status=422 if form else 200)


def _matching(choice: Choice, name: str) -> RunQuerySet:
    """Return the runs of the list on which the person may perform the operation."""
    runs = bulk.operable_runs(choice.user, name)
    if choice.procedure:
        runs = runs.filter(procedure__name=choice.procedure)
    return runs.filter(in_state(choice.state)) if choice.state else runs


def _described(choice: Choice) -> str:
    """Return the filters in the words that the log keeps, in English."""
    with override("en"):
        state = str(FILTERS[choice.state][1]).lower() if choice.state else ""
    given = {"procedure": choice.procedure, "state": state}
    return ", ".join(f"{name} {value}" for name, value in given.items() if value) or "all"

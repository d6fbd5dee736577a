"""The list of procedures, and the page of one procedure with its documentation and start form."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.forms.start import StartForm
from dashboard.overview import listed_runs
from dashboard.overview.pictures import drawn_picture
from dashboard.pages.marks import with_marks
from dashboard.pages.runs import session_of
from dashboard.pages.starting import new_key, start_by_form
from procedures import access, registry, services
from procedures.access import SignedIn
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.models import LegalHold, Procedure, Run

MOST_RUNS = 5


@require_safe
@login_required
@with_marks()
def procedure_list(request: SignedIn) -> HttpResponse:
    startable = set(access.procedures_for(request.user, "start").values_list("pk", flat=True))
    broken = registry.broken()
    rows = [
        {
            "procedure": procedure,
            "doc": _doc(registry.find(procedure.name)),
            "is_startable": procedure.pk in startable,
            "fault": broken.get(procedure.name, ""),
        }
        for procedure in access.visible_procedures(request.user)
    ]
    return render(request, "procedures/procedures.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def procedure_detail(request: SignedIn, name: str) -> HttpResponse:
    """Show the procedure's page; a POST starts a run, or shows the form with its faults."""
    procedure = get_object_or_404(access.visible_procedures(request.user), name=name)
    definition = registry.find(name)
    if request.method == "POST" and definition:
        return _start(request, procedure, definition)
    form = StartForm(definition, by=request.user) if definition else None
    return _page(request, procedure, form=form)


def _start(request: SignedIn, procedure: Procedure, definition: Definition) -> HttpResponse:
    form = StartForm(definition, by=request.user, request=request)

    def start(inputs: Mapping[str, Any], key: str) -> Run:
        run, _ = services.start_run(definition.name, inputs, by=request.user, idempotency_key=key)
        return run

    done = start_by_form(request, form, start)
    if isinstance(done, Run):
        return _to(request, done)
    more = {"feedback": done.fault, "key": done.key} if done.is_allowed else {}
    shown = form if done.is_allowed else None
    page = _page(request, procedure, form=shown, status=done.status, **more)
    if done.retry_after:
        page.headers["Retry-After"] = str(done.retry_after)
    return page


def _to(request: SignedIn, run: Run) -> HttpResponseRedirect:
    session = session_of(run, request.user)
    return (
        redirect("countersign:session_detail", session.pk)
        if session
        else redirect("countersign:run_detail", run.pk)
    )


def _page(
    request: SignedIn,
    procedure: Procedure,
    *,
    form: StartForm | None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    runs = access.visible_runs(request.user).filter(procedure=procedure)
    recent = runs.for_lists().order_by("-pk")[:MOST_RUNS]
    may_start = access.procedures_for(request.user, "start").filter(pk=procedure.pk).exists()
    definition = registry.find(procedure.name)
    context = {
        "procedure": procedure,
        "doc": _doc(definition),
        "version": definition.version if definition else "",
        "source": definition.source if definition else "",
        "file": definition.file if definition else "",
        "picture": drawn_picture(definition.picture) if definition else None,
        "fault": "" if definition else registry.broken().get(procedure.name, ""),
        "versions": procedure.versions.count(),
        "starters": procedure.grants.filter(role="start").select_related("group"),
        "form": form if may_start else None,
        "runs": listed_runs(recent),
        "key": new_key(),
        "is_held": LegalHold.objects.filter(procedure=procedure).exists(),
    }
    return render(request, "procedures/procedure.html", context | more, status=status)


def _doc(definition: Definition | None) -> str | None:
    """Return the procedure's docstring, or None if its code isn't installed."""
    return definition.doc if definition else None

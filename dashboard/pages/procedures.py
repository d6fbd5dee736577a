"""The list of procedures, and the page of one procedure with its documentation and start form."""

from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.forms.start import StartForm
from dashboard.overview import listed_runs
from dashboard.pages.marks import with_marks
from dashboard.pages.runs import session_of
from procedures import access, registry, services
from procedures.access import SignedIn
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import InputError
from procedures.models import Procedure, Run
from procedures.services import KeyReusedError, NotAllowedError, QuotaError

MOST_RUNS = 5
KEY_USED = lazy("This form has already started a run. To start another one, press Start once more.")


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
    key = request.POST.get("-key", "").replace("\0", "")[:200]
    try:
        _check_may_start(request, definition)
        if form.is_row_changed:
            form.keep_files()
            return _page(request, procedure, form=form, key=key)
        run, _ = services.start_run(
            definition.name, form.inputs(), by=request.user, idempotency_key=key
        )
    except NotAllowedError:
        return _page(request, procedure, form=None, status=403)
    except KeyReusedError:
        return _page(request, procedure, form=form, told=KEY_USED, status=409)
    except QuotaError as error:
        page = _page(request, procedure, form=form, told=str(error), key=key, status=429)
        page.headers["Retry-After"] = str(error.retry_after)
        return page
    except InputError as error:
        form.refuse(error)
        return _page(request, procedure, form=form, key=key, status=422)
    return _to(run)


def _check_may_start(request: SignedIn, definition: Definition) -> None:
    """Raise `NotAllowedError` if the person may not start runs, before any upload is stored."""
    if not access.procedures_for(request.user, "start").filter(name=definition.name).exists():
        raise NotAllowedError(definition)


def _to(run: Run) -> HttpResponseRedirect:
    session = session_of(run)
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
        "fault": "" if definition else registry.broken().get(procedure.name, ""),
        "versions": procedure.versions.count(),
        "starters": procedure.grants.filter(role="start").select_related("group"),
        "form": form if may_start else None,
        "runs": listed_runs(recent),
        "key": uuid4().hex,
    }
    return render(request, "procedures/procedure.html", context | more, status=status)


def _doc(definition: Definition | None) -> str | None:
    """Return the procedure's docstring, or None if its code isn't installed."""
    return definition.doc if definition else None

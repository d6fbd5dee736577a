"""Operations on a run, such as a cancellation, from the run's page or from a list.

Each operation needs a reason.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.forms.operations import ForkForm, ReasonForm, RestartForm
from dashboard.overview import listed_runs
from dashboard.overview.operations import (
    ALL,
    IMPOSSIBLE,
    Operation,
    operations_for,
    phase_of,
    refusals,
)
from dashboard.overview.words import short_id
from dashboard.pages.dialogs import (
    Dialog,
    dialog_of,
    next_of,
    operations_of,
    reasons_of,
    remember,
    typed_reason,
)
from dashboard.pages.marks import with_marks
from dashboard.pages.runs import find
from dashboard.pages.signals import run_signal
from dashboard.pages.starting import sent_key
from dashboard.pages.visit import Visit
from procedures import services
from procedures.engine.errors import EngineError, InputError
from procedures.engine.lifecycle.fork import UnknownPlaceError
from procedures.models import Run
from procedures.services import (
    BrokenProcedureError,
    ForkPoint,
    KeyReusedError,
    NotAllowedError,
    OperationDeniedError,
    OperationRefusedError,
    QuotaError,
    ReasonError,
    UnknownProcedureError,
    fork_run,
    restart_run,
)

REASON_NEEDED = lazy("Give a reason. It is recorded in the journal.")
STATUS: dict[type[EngineError], int] = {
    OperationDeniedError: 403,
    NotAllowedError: 403,
    UnknownProcedureError: 404,
    BrokenProcedureError: 409,
    KeyReusedError: 422,
    ReasonError: 422,
    UnknownPlaceError: 422,
    InputError: 422,
    QuotaError: 429,
}
"""The HTTP status for each class of errors with which an operation is refused; otherwise 409."""
VERBS: dict[str, Callable[..., str]] = {
    "retry": services.retry_run,
    "override": services.override_run,
    "pause": services.pause_run,
    "unpause": services.unpause_run,
    "cancel": services.cancel_run,
    "force_end": services.force_end_run,
}
FORMS: dict[str, type[ReasonForm]] = {"restart": RestartForm, "fork": ForkForm}


class ChangedError(EngineError):
    """The run has changed since the person opened the dialog of the operation."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The run has changed since you opened this. Nothing was done. Read what would "
                "happen now, then press the button again."
            )
        )


@require_safe
@login_required
def run_operations(request: Visit, run_id: UUID) -> HttpResponse:
    """Return the buttons of the operations that the person can perform on the run now."""
    run = find(request, run_id)
    return render(request, "procedures/_operations.html", operations_of(request, run))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def run_operation(request: Visit, run_id: UUID, name: str) -> HttpResponse:
    """Show the page of an operation on a run; a POST performs the operation and redirects."""
    run = find(request, run_id)
    if name not in ALL:
        raise Http404
    if name == "signal" and _offered(request, run, name):
        return run_signal(request, run)
    if request.method == "POST":
        return _perform(request, run, name)
    found = _offered(request, run, name)
    dialog = dialog_of(found, run, place=request.GET.get("at", "")) if found else None
    return _page(request, run, name, dialog)


def _offered(request: Visit, run: Run, name: str) -> Operation | None:
    offers = operations_for(request.user, run)
    return next((one for one in offers if one.name == name), None)


def _perform(request: Visit, run: Run, name: str) -> HttpResponse:
    typed = typed_reason(request)
    form = FORMS.get(name, ReasonForm)(typed)
    form.fields["reason"].error_messages["required"] = REASON_NEEDED
    if not form.is_valid():
        return _again(request, run, name, typed=typed, faults=form.errors, status=422)
    try:
        feedback, there = _act(request, run, name, dict(form.cleaned_data))
    except Run.DoesNotExist:
        raise Http404 from None
    except EngineError as error:
        status = next((STATUS[one] for one in type(error).__mro__ if one in STATUS), 409)
        return _again(request, run, name, typed=typed, refusal=str(error), status=status)
    remember(request, form.cleaned_data["reason"])
    messages.success(request, feedback)
    return redirect(next_of(request) or reverse("countersign:run_detail", args=[there]))


def _act(request: Visit, run: Run, name: str, fields: dict[str, Any]) -> tuple[str, UUID]:
    """Perform an operation; return a sentence about it, and the id of the run to show next."""
    find_run = services.find_cancellable if name == "cancel" else services.find_operable
    found = find_run(run.pk, by=request.user)
    if (seen := request.POST.get("-phase")) and seen != phase_of(found):
        raise ChangedError
    reason = services.checked_reason(fields.pop("reason"))
    if name in VERBS:
        return VERBS[name](run.pk, by=request.user, reason=reason), run.pk
    if name == "signal":
        raise OperationRefusedError(str(IMPOSSIBLE["signal"]))
    key = sent_key(request)
    who: Any = {"by": request.user, "reason": reason, "idempotency_key": key}
    if name == "restart":
        made, _is_new = restart_run(run.pk, inputs=fields["inputs"], **who)
        words = _("This is the new run. The earlier run {run} stays as it is.")
    else:
        made, _is_new = fork_run(run.pk, ForkPoint(**fields), **who)
        words = _("This is the new run. It was forked from {run} at {place}.")
    return words.format(run=short_id(run.pk), place=made.forked_at), made.pk


def _again(
    request: Visit, run: Run, name: str, *, typed: Mapping[str, Any], status: int, **problems: Any
) -> HttpResponse:
    """Return the operation's page with what was typed, and the reason why nothing was done."""
    run = find(request, run.pk)
    found, dialog = _offered(request, run, name), None
    if found:
        dialog = dialog_of(found, run, place=typed.get("at", ""), typed=typed, **problems)
    return _page(request, run, name, dialog, status=status, typed=typed, **problems)


def _page(
    request: Visit, run: Run, name: str, dialog: Dialog | None, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "run": run,
        "operation": dialog.operation if dialog else ALL[name],  # type: ignore[index]
        "state": listed_runs([run])[0].state,
        "dialog": dialog,
        "refusal": refusals(request.user, [run], name)[run.pk],  # type: ignore[arg-type]
        "reasons": reasons_of(request),
        "next": next_of(request),
        **more,
    }
    return render(request, "procedures/operation.html", context, status=status)

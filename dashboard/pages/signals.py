"""The page from which operators send a signal to a run, with a form for the signal's type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from dashboard.forms.signal import ANYTHING, SignalForm
from dashboard.overview import listed_runs
from dashboard.pages.dialogs import reasons_of, remember, typed_reason
from dashboard.pages.starting import new_key, sent_key
from dashboard.pages.visit import Visit
from procedures import services
from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.models import Run, Wait
from procedures.services import OperationDeniedError

LONGEST_NAME = 200
MOST_NAMES = 50
Shapes = Mapping[str, Mapping[str, Any]]


def signals_waited_for(run: Run) -> Shapes:
    """Return the signals for which the run waits, each with the shape of its type."""
    waits = Wait.objects.undecided().filter(run=run, kind=Wait.Kind.SIGNAL)
    found: dict[str, Mapping[str, Any]] = {}
    for wait in waits.exclude(signal=MESSAGE).order_by("pk")[:MOST_NAMES]:
        found.setdefault(wait.signal, wait.opening().get("shape", ANYTHING))
    return found


def run_signal(request: Visit, run: Run) -> HttpResponse:
    """Show the form of a signal, or send the signal and return to the run."""
    shapes = signals_waited_for(run)
    if request.method == "POST":
        return _send(request, run, shapes)
    name = request.GET.get("signal", next(iter(shapes), ""))
    name = name if name in shapes else ""
    return Drawn(request, run, shapes).page(name, SignalForm(shapes.get(name, ANYTHING)))


def _send(request: Visit, run: Run, shapes: Shapes) -> HttpResponse:
    typed, drawn = typed_reason(request), Drawn(request, run, shapes)
    waited = typed.get("-signal", "")
    # The wait may have closed since the form was shown, so the fields may not fit any more.
    if waited and waited not in shapes:
        name, feedback = next(iter(shapes), ""), _("The run no longer waits for this signal.")
        return drawn.page(name, SignalForm(shapes.get(name, ANYTHING)), feedback, status=409)
    form = SignalForm(shapes.get(waited, ANYTHING), typed)
    if form.is_row_changed:
        return drawn.page(waited, form)
    reason = typed.get("reason", "")
    try:
        sent = services.Sent(waited or _name_in(typed), sent_key(request), form.value())
        feedback = services.signal_run(run.pk, sent, by=request.user, reason=reason)
    except AnswerError:
        feedback = _("The signal wasn't sent. Please correct the marked fields.")
        return drawn.page(waited, form, feedback, status=422)
    except EngineError as error:
        status = 403 if isinstance(error, OperationDeniedError) else 422
        return drawn.page(waited, form, str(error), status=status)
    remember(request, reason)
    messages.success(request, feedback)
    return redirect("countersign:run_detail", run.pk)


def _name_in(typed: Mapping[str, str]) -> str:
    return typed.get("-name", "").replace("\0", "").strip()[:LONGEST_NAME]


@dataclass(frozen=True)
class Drawn:
    """The page of the form, for one request."""

    request: Visit
    run: Run
    shapes: Shapes

    def page(
        self, name: str, form: SignalForm, refusal: str = "", *, status: int = 200
    ) -> HttpResponse:
        """Draw the form of the signal `name`, or of any signal if it is "".

        `refusal` says why nothing was sent.
        """
        typed = self.request.POST
        context = {
            "run": self.run,
            "state": listed_runs([self.run])[0].state,
            "names": list(self.shapes),
            "name": name,
            "form": form.fields,
            "typed": typed,
            "typed_name": _name_in(typed),
            "key": sent_key(self.request) or new_key(),
            "reasons": reasons_of(self.request),
            "refusal": refusal,
        }
        return render(self.request, "procedures/signal.html", context, status=status)

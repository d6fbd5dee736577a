"""An operation on several runs at once: one page lists the runs, another reports the results."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from dashboard.forms.operations import ReasonForm
from dashboard.overview.lists import Listed, listed_runs
from dashboard.overview.operations import ALL, Name, phase_of, refusals
from dashboard.pages.chosen import chosen_from, draw
from dashboard.pages.dialogs import next_of, reasons_of, remember, typed_reason
from dashboard.pages.marks import with_marks
from dashboard.pages.operations import REASON_NEEDED, VERBS, ChangedError
from dashboard.pages.visit import Visit
from procedures import access, services
from procedures.engine.errors import EngineError
from procedures.models import Run

FOLLOWS: dict[Name, Any] = {
    "retry": lazy("Each run continues from where it stopped. Finished steps aren't repeated."),
    "unpause": lazy(
        "Each run continues from where it stopped, with the answers that have arrived since."
    ),
    "cancel": lazy(
        "Each run ends: its open questions are withdrawn, and its work is undone where the "
        "procedure says how. A cancelled run can't continue."
    ),
}
"""A sentence about the consequences of each operation that is possible on several runs at once."""


@dataclass(frozen=True)
class RunLine:
    """A run in the list of runs on which an operation is to be performed."""

    listed: Listed
    phase: str
    """The phase of the run when the person chose the run; see `phase_of`."""
    why_not: str = ""

    @property
    def run(self) -> Run:
        return self.listed.run

    @property
    def sent(self) -> str:
        return f"{self.run.pk}:{self.phase}"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def run_bulk(request: Visit) -> HttpResponse:
    """List the chosen runs, and the consequences of the operation.

    A POST with a reason performs the operation and shows a report.
    """
    sent = request.POST if request.method == "POST" else request.GET
    name: Name = next((one for one in FOLLOWS if one == sent.get("operation")), "retry")
    chosen = chosen_from(sent.getlist("run"), str)
    lines = list(_lines(request, chosen.shown, name))
    form = ReasonForm(typed_reason(request)) if request.method == "POST" else None
    if form and form.is_valid():
        context = _reported(request, lines, name, form.cleaned_data["reason"])
        context |= {**chosen.context, "next": next_of(request)}
        return draw(request, "procedures", "run_report", context)
    context = {
        **chosen.context,
        "next": next_of(request),
        "operation": ALL[name],
        "lines": [one for one in lines if not one.why_not],
        "left_out": [one for one in lines if one.why_not],
        "lost": len(chosen.shown) - len(lines),
        "follows": FOLLOWS[name],
        "reasons": reasons_of(request),
        "fault": REASON_NEEDED if form else "",
    }
    return draw(request, "procedures", "run_bulk", context, status=422 if form else 200)


def _lines(request: Visit, chosen: Mapping[UUID, str], name: Name) -> Iterator[RunLine]:
    """Yield a line for each chosen run that the person may see, in the order of the choice."""
    runs = access.visible_runs(request.user).filter(pk__in=chosen).for_lists()
    found = {one.run.pk: one for one in listed_runs(runs)}
    why_not = refusals(request.user, [one.run for one in found.values()], name)
    for key, phase in chosen.items():
        if key in found:
            yield RunLine(found[key], phase or phase_of(found[key].run), why_not[key])


def _reported(request: Visit, lines: Sequence[RunLine], name: Name, reason: str) -> dict[str, Any]:
    """Perform the operation on each run; return template variables of a report.

    In the report, the runs for which the operation was refused come first.
    """
    remember(request, reason)
    done = [(one, *_act(request, one, name, reason)) for one in lines]
    counts = Counter(is_done for _line, is_done, _words in done)
    return {
        "reports": sorted(done, key=lambda one: one[1]),
        "done": counts[True],
        "refused": counts[False],
    }


def _act(request: Visit, line: RunLine, name: Name, reason: str) -> tuple[bool, str]:
    """Perform the operation on a run.

    Return True and a sentence about it, or False and why it was refused.
    """
    find_run = services.find_cancellable if name == "cancel" else services.find_operable
    try:
        if phase_of(find_run(line.run.pk, by=request.user)) != line.phase:
            raise ChangedError
        sentence = VERBS[name](line.run.pk, by=request.user, reason=services.checked_reason(reason))
    except Run.DoesNotExist:
        return False, _("Not found, or you don't have access.")
    except EngineError as error:
        return False, str(error)
    return True, sentence

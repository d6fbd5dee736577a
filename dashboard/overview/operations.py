"""The operations that a person can perform on a run now, such as "cancel"."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.overview.endings import error_of
from dashboard.overview.words import shortened
from procedures import access
from procedures.among import is_among
from procedures.engine.journal.events import RunStatus
from procedures.engine.replay.history import UNDO
from procedures.library import JOBS
from procedures.models import Event, Run
from procedures.services import OperationDeniedError
from procedures.users import User

Name = Literal[
    "retry", "override", "unpause", "pause", "fork", "cancel", "restart", "signal", "force_end"
]
STOPPED = (RunStatus.FAILED, RunStatus.QUARANTINED)
ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING, RunStatus.RETRYING)
LONGEST_STEP = 40
FEW = 3
"""The maximum number of operations with a button of their own if there is a menu for others.

A menu with only one operation would take as much room as its button, so one more button is shown
then.
"""
SELDOM = ("fork", "restart", "signal", "force_end")
"""The operations that are put into the menu first, when there are too many for buttons."""


@dataclass(frozen=True)
class Operation:
    """An operation, with the texts of its button and its dialog."""

    name: Name
    label: str | Promise
    """The label of the button that opens the dialog."""
    fire: str | Promise
    """The label of the button that performs the operation."""
    key: str = ""
    """The keyboard shortcut of the button; a capital letter means Shift."""
    is_final: bool = False
    """True if the operation can't be taken back."""
    is_main: bool = False
    """True if the run most likely needs this operation now; a failed run, for example, "retry"."""

    @property
    def short(self) -> str:
        """The label without the dots that announce a dialog."""
        return str(self.label).rstrip("…")

    @property
    def is_shifted(self) -> bool:
        return self.key.isupper()

    @property
    def has_page(self) -> bool:
        """True if the operation has a page of its own instead of a dialog."""
        return self.name == "signal"

    @property
    def is_seldom(self) -> bool:
        return self.name in SELDOM


ALL: dict[Name, Operation] = {
    one.name: one
    for one in (
        Operation("retry", lazy("Retry"), lazy("Retry"), key="t"),
        Operation(
            "override", lazy("Continue with changed code…"), lazy("Continue with changed code")
        ),
        Operation("unpause", lazy("Resume"), lazy("Resume"), key="p"),
        Operation("pause", lazy("Pause"), lazy("Pause"), key="p"),
        Operation("fork", lazy("Fork…"), lazy("Fork"), key="f"),
        Operation("cancel", lazy("Cancel"), lazy("Cancel the run"), key="C", is_final=True),
        Operation("restart", lazy("Restart…"), lazy("Start a new run")),
        Operation("signal", lazy("Send a signal…"), lazy("Send the signal")),
        Operation("force_end", lazy("End at once…"), lazy("End at once"), is_final=True),
    )
}


ON_RUNS: dict[Name, Callable[[int], str]] = {
    "retry": lambda n: ngettext("Retry {n} run", "Retry {n} runs", n),
    "unpause": lambda n: ngettext("Resume {n} run", "Resume {n} runs", n),
    "pause": lambda n: ngettext("Pause {n} run", "Pause {n} runs", n),
    "cancel": lambda n: ngettext("Cancel {n} run", "Cancel {n} runs", n),
    "force_end": lambda n: ngettext("End {n} run at once", "End {n} runs at once", n),
}
"""The label of each operation that is possible on several runs, by the number of runs."""


def on_runs(name: Name, count: int) -> str:
    """Return the label of an operation on this number of runs, such as "Cancel 3 runs"."""
    return ON_RUNS[name](count).format(n=f"{count:,}")


@dataclass(frozen=True)
class Rights:
    """The operations that a person may perform on a run, if the state of the run allows them."""

    is_operator: bool
    may_cancel: bool
    may_start: bool

    @classmethod
    def of(cls, held: access.HeldRoles, run: Run) -> "Rights":
        is_operator = held.may_operate(run)
        may_cancel = is_operator or held.may_cancel(run)
        may_start = is_operator and held.has("start", run.procedure_id)
        return cls(is_operator, may_cancel, may_start)


def operations_for(user: User, run: Run) -> list[Operation]:
    """Return the operations that the user can perform on the run now, the most likely one first.

    The user's rights are checked again when an operation is performed.
    """
    rights = Rights.of(access.HeldRoles(user, [run.procedure_id]), run)
    names = [name for name in ALL if _is_allowed(name, rights) and _is_possible(name, run)]
    if "retry" in names and _undone_among([run]):
        names.remove("retry")
    found = [_labelled(ALL[name], run, main=_main(run)) for name in names]
    return sorted(found, key=lambda one: not one.is_main)


def refusals(user: User, runs: Collection[Run], name: Name) -> dict[UUID, str]:
    """Return why the user can't perform the operation on each run now, by the run's id.

    The sentence is "" for a run on which the user can perform it. The number of queries depends
    neither on the number of runs nor on that of procedures.
    """
    held = access.HeldRoles(user, (run.procedure_id for run in runs))
    undone = _undone_among(runs) if name == "retry" else set()
    return {
        run.pk: _refusal(name, run, Rights.of(held, run), is_undone=run.pk in undone)
        for run in runs
    }


def common_operations(runs: Iterable[Run]) -> list[Name]:
    """Return the operations that a page offers for all of these runs together.

    Only the statuses of the runs are compared. So an operation may still be refused for some of
    them.
    """
    statuses = {RunStatus(run.status) for run in runs}
    offers: dict[Name, bool] = {
        "retry": statuses <= {*STOPPED},
        "unpause": statuses == {RunStatus.PAUSED},
        "cancel": not any(status.is_end for status in statuses),
    }
    return [name for name, is_offered in offers.items() if is_offered]


def divided(operations: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
    """Return two lists: the operations with a button of their own, and those in the menu."""
    if len(operations) <= FEW + 1:  # a menu of one takes as much room as its button
        return list(operations), []
    needed = sorted(operations, key=lambda one: one.name in SELDOM)
    beside = [one for one in operations if one in needed[:FEW]]
    return beside, [one for one in operations if one not in beside]


IMPOSSIBLE: dict[Name, Promise] = {
    "retry": lazy("Only a failed or quarantined run can be retried; this one is {status}."),
    "override": lazy(
        "Only a run whose journal no longer fits the code can continue with changed code."
    ),
    "unpause": lazy("This run isn't paused; it is {status}."),
    "signal": lazy("This run has ended, so it takes no more signals."),
    "restart": lazy("This run is a job of the site, which is started on its own page."),
    "fork": lazy("This run is a job of the site, which is started on its own page."),
}
"""The reason why the state of a run doesn't allow an operation, where there is only one."""


def _is_allowed(name: Name, rights: Rights) -> bool:
    if name == "cancel":
        return rights.may_cancel
    return rights.may_start if name in {"restart", "fork"} else rights.is_operator


def _is_possible(name: Name, run: Run) -> bool:
    is_open = not RunStatus(run.status).is_end
    is_stopped = run.status == RunStatus.QUARANTINED

    def is_no_job() -> bool:
        return run.procedure.name not in JOBS  # which start on their own pages only

    conditions: dict[str, Callable[[], bool]] = {
        "retry": lambda: is_stopped or run.status == RunStatus.FAILED,
        "override": lambda: is_stopped and error_of(run)["type"] == "Mismatch",
        "pause": lambda: run.status in ACTIVE and not (run.cancel_requested_at or _is_pausing(run)),
        "unpause": lambda: is_open and _is_pausing(run),
        "signal": lambda: is_open,
        "cancel": lambda: is_open and run.cancel_requested_at is None,
        "force_end": lambda: is_open,
        "restart": is_no_job,
        "fork": is_no_job,
    }
    return name not in conditions or conditions[name]()


def _refusal(name: Name, run: Run, rights: Rights, *, is_undone: bool) -> str:
    if not _is_allowed(name, rights):
        return str(OperationDeniedError(run))
    if is_undone:
        return _("The run's work has been undone, so it can't be retried. Restart it instead.")
    return "" if _is_possible(name, run) else _state_refusal(name, run).format(status=run.status)


def _state_refusal(name: Name, run: Run) -> str:
    """Return why the state of a run doesn't allow an operation, as the operation itself says it."""
    if name in IMPOSSIBLE:
        return str(IMPOSSIBLE[name])
    if RunStatus(run.status).is_end:
        return _("This run has already ended ({status}).")
    if name == "cancel":
        return _("This run is already being cancelled; it ends at its next step.")
    return _pause_refusal(run)


def _pause_refusal(run: Run) -> str:
    if run.cancel_requested_at:
        return _("This run is being cancelled, so it can't be paused.")
    if run.status == RunStatus.PAUSED:
        return _("This run is already paused.")
    if run.status == RunStatus.QUARANTINED:
        return _("This run is quarantined; it does nothing until it is retried.")
    return _("A pause is already pending; it takes effect at the next step.")


def _undone_among(runs: Collection[Run]) -> set[UUID]:
    """Return the ids of failed runs that have begun to undo their steps: they can't be retried."""
    since = {run.pk: run.base_seq for run in runs if run.status == RunStatus.FAILED}
    if not since:
        return set()
    begun = Event.objects.filter(is_among("run", since), key__startswith=UNDO).order_by()
    return {run for run, seq in begun.values_list("run", "seq") if seq > since[run]}


def _is_pausing(run: Run) -> bool:
    """Return True if the run is paused, or a pause is pending."""
    return run.pause_requested_at is not None


def _main(run: Run) -> Name | None:
    """Return the operation that the run most likely needs now, or None."""
    if run.status == RunStatus.PAUSED:
        return "unpause"
    if run.status == RunStatus.QUARANTINED and _is_possible("override", run):
        return "override"
    return "retry" if run.status in STOPPED else None


def _labelled(operation: Operation, run: Run, *, main: Name | None) -> Operation:
    made = replace(operation, is_main=operation.name == main)
    if made.name == "retry" and (step := failed_step(run)):
        words = format_lazy(lazy("Retry from {step}"), step=shortened(step, LONGEST_STEP))
        return replace(made, label=words)
    if made.name == "unpause" and run.status != RunStatus.PAUSED:
        return replace(made, label=lazy("Don't pause"), fire=lazy("Don't pause"))
    return made


def failed_step(run: Run) -> str:
    """Return the key of the step that made the run fail; "" if the run failed otherwise."""
    error = error_of(run)
    if run.status != RunStatus.FAILED or error["type"] != "StepFailedError":
        return ""
    step, colon, _message = error["message"].partition(": ")
    return step if colon else ""


def phase_of(run: Run) -> str:
    """Return the phase of a run, such as "active"; other phases allow other operations.

    It stays the same while the run is queued, works on its steps and waits.
    """
    phases = [run.status if run.status not in ACTIVE else "active"]
    phases += ["cancelling"] if run.cancel_requested_at else []
    phases += ["pausing"] if run.pause_requested_at and run.status in ACTIVE else []
    return " ".join(phases)

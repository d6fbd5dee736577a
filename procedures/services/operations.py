"""What operators do to runs: each with a reason, kept in the run's journal with who it was."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from procedures import journal
from procedures.engine import canonical
from procedures.engine.errors import EngineError, Refused
from procedures.engine.journal import EventKind, RunStatus
from procedures.models import Run, RunInput
from procedures.models.clock import clock
from procedures.services.waits import lock_run

LONGEST_REASON = 1000


class OperationRefusedError(EngineError):
    """What an operator wants cannot be done now, or not without a reason; says why."""


def note_operation(
    run: Run, action: str, *, by: User, reason: str, step: str = "", **more: object
) -> None:
    """Keep who does what and why, for the journal's next writer; the run is locked."""
    data = {"action": action, "by": by.get_username(), "reason": checked_reason(reason), **more}
    RunInput.objects.create(
        run=run, kind=EventKind.OPERATOR, key=step, name=action, data=canonical.text_of(data)
    )


def checked_reason(reason: str) -> str:
    reason = canonical.legible(" ".join(reason.split()))
    if not reason:
        raise OperationRefusedError("Say why: the reason is kept in the journal.")
    if len(reason) > LONGEST_REASON:
        raise OperationRefusedError(f"A reason has at most {LONGEST_REASON:,} characters.")
    return reason


@transaction.atomic
def cancel_run(run_id: UUID, *, by: User, reason: str) -> str:
    """End a run at once, or, in a worker's hands, at its next step or wait. Says which.

    Locks the run; what it asks is withdrawn in the commit of its end.
    """
    run, now = lock_run(run_id), clock.now()
    if RunStatus(run.status).is_end:
        raise OperationRefusedError(f"It has ended already: {run.status}.")
    if run.cancel_requested_at and _is_held(run, now):
        raise OperationRefusedError("It is asked to stop already, and ends at its next step.")
    said = {"action": "cancel", "by": by.get_username(), "reason": checked_reason(reason)}
    journal.ask_to_end(run, said, at=now)
    if _is_held(run, now):
        return "It works right now, and ends at its next step or wait."
    if run.has_to_undo():
        return "It undoes what it has done, and ends then."
    try:
        journal.cancel(run, now=now)
    except Refused as refusal:
        raise OperationRefusedError(str(refusal)) from refusal
    return "It is cancelled."


def _is_held(run: Run, now: datetime) -> bool:
    is_working = run.status == RunStatus.RUNNING
    return is_working and run.leased_until is not None and run.leased_until > now

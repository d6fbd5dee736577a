"""What operators do to runs: each with a reason, kept in the run's journal with who it was."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from procedures import dispatch, journal
from procedures.engine import canonical
from procedures.engine.errors import EngineError, Refused
from procedures.engine.history import failed_step
from procedures.engine.journal import EventKind, RunStatus
from procedures.models import Run, RunInput
from procedures.models.clock import clock
from procedures.services.waits import lock_run

LONGEST_REASON = 1000


class OperationRefusedError(EngineError):
    """What an operator wants cannot be done now, or not without a reason; says why."""


def note_operation(
    run: Run, action: str, *, by: User, reason: str, step: str = "", **more: str
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
    note_operation(run, "cancel", by=by, reason=reason)
    run.request_cancel(at=now)
    if _is_held(run, now):
        return "It works right now, and ends at its next step or wait."
    try:
        journal.cancel(run, now=now)
    except Refused as refusal:
        raise OperationRefusedError(str(refusal)) from refusal
    return "It is cancelled."


@transaction.atomic
def retry_run(run_id: UUID, *, by: User, reason: str) -> str:
    """Let a failed or quarantined run go on from where it stands; what is kept stays kept.

    If a step's final failure is the last thing it did, that step is tried again. Locks the run.
    """
    run = lock_run(run_id)
    if run.status not in (RunStatus.FAILED, RunStatus.QUARANTINED):
        raise OperationRefusedError(f"Only what failed or is quarantined is retried: {run.status}.")
    step = failed_step(run.events.journal())
    note_operation(run, "retry", by=by, reason=reason, step=step)
    run.reopen(at=clock.now())
    dispatch.ring(run.pk)
    return f"It goes on, and tries {step} again." if step else "It goes on from where it stands."


def _is_held(run: Run, now: datetime) -> bool:
    is_working = run.status == RunStatus.RUNNING
    return is_working and run.leased_until is not None and run.leased_until > now

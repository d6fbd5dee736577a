"""Operations on runs by operators: each requires a reason and is recorded in the run's journal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from procedures import access
from procedures.conf import conf
from procedures.engine.errors import CommitRefused, EngineError
from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.operations import Cancelled, cancel, force_end, pause, unpause
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.lifecycle.runs import has_to_undo, is_held
from procedures.engine.values import canonical
from procedures.engine.values.sizes import Sizes
from procedures.journal import DatabaseStore, receivers
from procedures.models import Act, Head, Run, RunInput
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.services.waits import lock_run
from procedures.transactions import service_atomic
from procedures.users import User, json_key


class ReasonError(OperationRefusedError):
    """An operator gave no reason for an operation, or one that is too long."""


class OperationDeniedError(EngineError):
    """The user may see the run but not operate it."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"You don't have permission to do this. Operators of {run.procedure} can.")


def find_operable(run_id: UUID, *, by: User) -> Run:
    """Return the run if the user may operate it.

    Raises `Run.DoesNotExist` if the user can't see the run, and `OperationDeniedError` if the user
    can see the run but not operate it.
    """
    run = access.visible_runs(by).get(pk=run_id)
    if not access.may_operate(by, run):
        raise OperationDeniedError(run)
    return run


def find_cancellable(run_id: UUID, *, by: User) -> Run:
    """Return the run if the user may cancel it; raise the same errors as `find_operable`."""
    run = access.visible_runs(by).get(pk=run_id)
    if not access.may_cancel(by, run):
        raise OperationDeniedError(run)
    return run


def note_operation(
    run: Run,
    action: str,
    *,
    by: User,
    reason: str,
    step: str = "",
    at: datetime | None = None,
    **more: object,
) -> None:
    """Store an operation as a `RunInput`; the run's next worker writes it to the journal.

    `step` is the key of the step or wait that the operation concerns, and `at` is its time; by
    default, now. Locks the run.
    """
    payload = record_operation(run, action, by=by, reason=reason)
    RunInput.objects.tell(run, {**payload, **more}, step=step, at=at)


def record_operation(
    run: Run, action: str, *, by: User, reason: str, job: UUID | None = None
) -> dict[str, Any]:
    """Add an operation to the site's log, and return the data of the operation's event.

    The caller stores this event in the run's journal. If a job performs the operation, only the
    event names the job: the log has one entry for the whole job. Raises `ReasonError` if the reason
    is empty or too long.
    """
    payload = operation_payload(action, by=by, reason=reason, job=job)
    log_operation(run, payload, by=by)
    return payload


def operation_payload(
    action: str, *, by: User, reason: str, job: UUID | None = None
) -> dict[str, Any]:
    """Return the data of the journal event for an operation.

    `job` is the id of the run that performs the operation on many runs, or None. Raises
    `ReasonError` if the reason is empty or too long.
    """
    who = {"by": by.get_username(), "by_id": json_key(by.pk)}
    through = {"job": str(job)} if job else {}
    return {"action": action, **who, "reason": checked_reason(reason), **through}


def log_operation(run: Run, payload: Mapping[str, Any], *, by: User) -> None:
    """Add an operation on the run to the site's log, unless a job performs the operation.

    `payload` is the result of `operation_payload`.
    """
    if "job" in payload:
        return
    action = str(payload["action"]).replace("_", " ").capitalize()
    log_act(Act.Kind.VERB, f"{action}.", by=by, about=run, reason=payload["reason"])


def checked_reason(reason: str) -> str:
    reason = canonical.legible(" ".join(reason.split()))
    if not reason:
        raise ReasonError("Give a reason. It is recorded in the journal.")
    if len(reason) > (most := Sizes(**conf.SIZES).reason):
        raise ReasonError(f"The reason is too long: the limit is {most:,} characters.")
    return reason


@service_atomic
def cancel_run(run_id: UUID, *, by: User, reason: str, job: UUID | None = None) -> str:
    """Cancel a run at once, or tell its worker to end the run at the next step or wait.

    Returns a sentence that says which of these happens. Open questions are withdrawn in the
    transaction that ends the run. Locks the run.
    """
    run, now = lock_run(run_id), clock.now()
    _check_unended(run)
    # If the worker is dead, nobody would end the run. Then a second cancel helps.
    if run.cancel_requested_at and is_held(run, now):
        raise OperationRefusedError(
            "This run is already being cancelled; it ends at its next step."
        )
    # These are read before the cancel, which changes both.
    was_paused, is_silent = run.status == RunStatus.PAUSED, run.is_silent(now)
    payload = record_operation(run, "cancel", by=by, reason=reason, job=job)
    try:
        with receivers():
            ends = cancel(DatabaseStore(now), run, payload)
    except CommitRefused as refusal:
        raise OperationRefusedError(str(refusal)) from refusal
    if ends == Cancelled.AT_ONCE:
        return "The run was cancelled."
    if is_silent:
        return "The run is stuck. Another worker takes it over, undoes its work and ends it."
    if ends == Cancelled.BY_ITS_WORKER:
        return "The run is busy right now; it ends at its next step or wait."
    if was_paused:
        return "The run is no longer paused: it undoes its work, then ends."
    return "The run undoes its work, then ends."


@service_atomic
def force_end_run(run_id: UUID, *, by: User, reason: str, job: UUID | None = None) -> str:
    """End a run and its descendants at once, even while workers hold them.

    Compensations aren't called. The result of a step in progress isn't stored, although the step
    may still take effect. Returns sentences that say so. Locks all of these runs.
    """
    run, now = lock_run(run_id), clock.now()
    _check_unended(run)
    data = record_operation(run, "force_end", by=by, reason=reason, job=job) | {"forced": True}
    # The head is locked after the run, and before the compensations are read, because the run's
    # worker may be about to store a step and one more compensation.
    Head.lock(run.pk)
    store = DatabaseStore(now)
    was_held, is_undone = is_held(run, now), not has_to_undo(store, run)
    below = force_end(store, run, data)
    sentences = [_end_sentence(below)]
    if was_held:
        sentences.append(
            "The step in progress may still take effect, but its result won't be stored."
        )
    if not is_undone:
        sentences.append("The run's work won't be undone.")
    return " ".join(sentences)


def _end_sentence(below: int) -> str:
    if below > 1:
        return f"The run and its {below} descendants have ended."
    return "The run and its child run have ended." if below else "The run has ended."


@service_atomic
def pause_run(run_id: UUID, *, by: User, reason: str, job: UUID | None = None) -> str:
    """Pause a run at once or, if a worker holds it, before its next step or wait.

    Until the run is unpaused, answers and signals are stored, deadlines pass, and child runs
    continue. Returns a sentence that says when the run pauses and how many child runs continue.
    Locks the run.
    """
    run, now = lock_run(run_id), clock.now()
    _check_pausable(run, now)
    payload = record_operation(run, "pause", by=by, reason=reason, job=job)
    if not pause(DatabaseStore(now), run, payload):
        return (
            f"The run is busy right now; it pauses before its next step or wait.{_children_of(run)}"
        )
    return f"The run is paused.{_children_of(run)}"


def _check_unended(run: Run) -> None:
    if RunStatus(run.status).is_end:
        raise OperationRefusedError(f"This run has already ended ({run.status}).")


def _check_pausable(run: Run, now: datetime) -> None:
    _check_unended(run)
    if run.status == RunStatus.PAUSED:
        raise OperationRefusedError("This run is already paused.")
    if run.status == RunStatus.QUARANTINED:
        raise OperationRefusedError("This run is quarantined; it does nothing until it is retried.")
    if run.cancel_requested_at:
        raise OperationRefusedError("This run is being cancelled, so it can't be paused.")
    if run.pause_requested_at and is_held(run, now):
        raise OperationRefusedError("A pause is already pending; it takes effect at the next step.")


def _children_of(run: Run) -> str:
    """Return a sentence about the run's children, which continue during a pause; "" without any."""
    alive = Run.objects.filter(parent_wait__run=run).unended().count()
    if not alive:
        return ""
    return f" Its {alive} child runs continue." if alive > 1 else " Its child run continues."


@service_atomic
def unpause_run(run_id: UUID, *, by: User, reason: str, job: UUID | None = None) -> str:
    """Let a paused run continue from where it stopped; it gets all that has arrived since.

    Locks the run. Returns a sentence about the run's new status.
    """
    run, now = lock_run(run_id), clock.now()
    if not run.pause_requested_at:
        raise OperationRefusedError(f"This run isn't paused; it is {run.status}.")
    was_paused = run.status == RunStatus.PAUSED
    unpause(
        DatabaseStore(now), run, record_operation(run, "unpause", by=by, reason=reason, job=job)
    )
    if not was_paused:
        return "The pending pause was withdrawn; the run continues."
    if run.status == RunStatus.QUEUED:
        return "The run continues."
    return f"The run is {run.status} again."

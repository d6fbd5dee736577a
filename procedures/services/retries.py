"""Letting a run go on that had failed, or no longer fits its code."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from procedures import dispatch, journal
from procedures.engine import canonical
from procedures.engine.history import UNDO, History, is_doubtful, is_of_branch, last_failure
from procedures.engine.journal import Event, EventKind, RunStatus
from procedures.engine.recorder import open_in
from procedures.models import Run, RunInput
from procedures.models.clock import clock
from procedures.services.operations import OperationRefusedError, checked_reason, note_operation
from procedures.services.waits import lock_run


@transaction.atomic
def retry_run(run_id: UUID, *, by: User, reason: str) -> str:
    """Let a failed or quarantined run go on from where it stands; what is kept stays kept.

    If a step's final failure is the last thing it did, that step is tried again; if people let it
    fail in doubt, they are asked again. Locks the run.
    """
    run = lock_run(run_id)
    if run.status not in (RunStatus.FAILED, RunStatus.QUARANTINED):
        raise OperationRefusedError(f"Only what failed or is quarantined is retried: {run.status}.")
    events = run.events.filter(seq__gt=run.base_seq).journal()
    if any(event.key.startswith(UNDO) for event in events) and run.status == RunStatus.FAILED:
        raise OperationRefusedError("What it did has been undone: start another run.")
    _check_above(run)
    failure, again = _tried_again(run, events), _asked_again(run, events)
    step = failure.key if failure else ""
    more = {"again": again} if again else {}
    note_operation(run, "retry", by=by, reason=reason, step=step, **more)
    told = _told_of_retry(run, failure)
    run.reopen(at=clock.now())
    dispatch.ring(run.pk)
    return told


def _check_above(run: Run) -> None:
    """A child that nobody needs is not retried."""
    wait = run.parent_wait
    if wait is None:
        return
    is_to_end = run.status == RunStatus.QUARANTINED and run.cancel_requested_at
    if wait.run.status == RunStatus.CANCELLED and not is_to_end:
        raise OperationRefusedError(
            f"{wait.run}, which needed it, is cancelled: start another run."
        )


def _tried_again(run: Run, events: Sequence[Event]) -> Event | None:
    failure = last_failure(events)
    if failure is None or not is_of_branch(failure):
        return failure
    if run.status == RunStatus.FAILED:
        raise OperationRefusedError(f"{failure.key} failed in its branches: start another run.")
    return None


def _told_of_retry(run: Run, failure: Event | None) -> str:
    if failure is None:
        told = "It goes on from where it stands."
    elif is_doubtful(failure):
        told = f"It goes on, and asks again whether {failure.key} has happened."
    else:
        told = f"It goes on, and tries {failure.key} again."
    if run.status == RunStatus.FAILED and (wait := run.parent_wait):
        told += f" {wait.run} knows that it failed, and takes in no other end."
    return told


@transaction.atomic
def override_run(run_id: UUID, *, by: User, reason: str) -> str:
    """Let a quarantined run go on with code that differs from its journal. Locks the run.

    What the code did not ask for is let pass, a step's kept result stands for other arguments,
    and a question that has changed is asked again.
    """
    run, now = lock_run(run_id), clock.now()
    error = canonical.plain(run.error) if run.error else {}
    if run.status != RunStatus.QUARANTINED or error.get("type") != "Mismatch":
        raise OperationRefusedError("Only a run that no longer fits its code is overridden.")
    data = {
        "action": "override",
        "by": by.get_username(),
        "reason": checked_reason(reason),
        "loose": error["unread"],
        "changed": error["changed"],
    }
    RunInput.objects.create(
        run=run, kind=EventKind.OPERATOR, name="override", data=canonical.text_of(data)
    )
    changed = run.waits.filter(key=error["changed"])
    journal.lock_below(changed.open())
    changed.update(part_of=None)  # what became of it decides no set
    journal.withdraw_all(changed.open(), by="system: asked again", at=now)
    run.reopen(at=now)
    dispatch.ring(run.pk)
    return "It goes on with the code as it is."


def _asked_again(run: Run, events: Sequence[Event]) -> list[str]:
    """What its journal still waits for and nobody can answer: a former end has withdrawn it."""
    coming = RunInput.objects.filter(run=run).untaken().values_list("key", flat=True)
    known = {*run.waits.open().values_list("key", flat=True), *coming}
    return [key for key in open_in(History(events)) if key not in known]

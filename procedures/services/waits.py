"""Closing of waits by answers, deadlines and whatever else comes from outside the run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from procedures.engine.errors import EngineError
from procedures.engine.lifecycle import holds, waits
from procedures.engine.values.files import File, named_files
from procedures.journal import DatabaseStore
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.transactions import service_atomic


class WaitClosedError(EngineError):
    """The wait was already closed; the first outcome counts."""

    def __init__(self, wait: Wait) -> None:
        self.wait = wait
        super().__init__(f"The wait {wait} is already closed ({wait.outcome or 'answered'}).")


def lock_run(run_id: UUID) -> Run:
    """Lock and return a run. Locks are always taken in the order run, request, session."""
    return Run.objects.lock(run_id)


def resolve_wait(wait: Wait, content: dict[str, Any], *, at: datetime) -> None:
    """Close a wait with an outcome, and queue its run, in the caller's transaction.

    `content` is the data of the event that closes the wait, and `at` is the time. Locks the run.
    """
    run = lock_run(wait.run_id)
    # This is checked only under the run's lock, because whoever held the lock before may have
    # closed the wait.
    wait.refresh_from_db()
    resolve_locked(run, wait, content, at=at)


def resolve_locked(run: Run, wait: Wait, content: dict[str, Any], *, at: datetime) -> None:
    """Close a wait as `resolve_wait` does, for a caller that has locked the run.

    The wait must have been read after the run was locked.
    """
    if not wait.is_undecided:
        raise WaitClosedError(wait)
    waits.answer_wait(DatabaseStore(at), run, wait, content)


def keep_answer_files(run: Run, files: Sequence[File], *, at: datetime) -> dict[str, Any]:
    """Add an answer's files to the run's files; return the entries that name them in an event.

    The caller has locked the run in the current transaction. The contents of the files were stored
    before this transaction.
    """
    DatabaseStore(at).keep_files(run, files)
    return named_files(files)


def hold_locked(
    run: Run, wait: Wait, content: dict[str, Any], *, at: datetime, until: datetime
) -> None:
    """Store an answer that takes effect at the time `until`, unless it is undone before that.

    The caller has locked the run, and has read the wait after that. `content` is the data of the
    event that will close the wait, and `at` is the current time.
    """
    if not wait.is_undecided:
        raise WaitClosedError(wait)
    holds.hold_answer(DatabaseStore(at), run, wait, content, until=until)


def undo_locked(run: Run, wait: Wait, *, at: datetime) -> None:
    """Undo the held answer to a wait.

    The caller has locked the run, and has read the wait after that. Raises `TooLateError` if the
    answer has taken effect already, or was due to take effect at or before the time `at`.
    """
    holds.undo_answer(DatabaseStore(at), run, wait)


def settle_wait(wait: Wait) -> bool:
    """Close a wait with its held answer, and return True, if the answer can't be undone any more.

    Returns False if the answer can still be undone or the wait isn't open.
    """
    return wait.effective_at is not None and _settle(wait)


@service_atomic
def _settle(wait: Wait) -> bool:
    run = lock_run(wait.run_id)
    wait.refresh_from_db()
    return holds.settle_answer(DatabaseStore(clock.now()), run, wait)


def expire_wait(wait: Wait) -> bool:
    """Close a wait at its deadline with the outcome that the procedure's author chose.

    Returns False if the wait is closed, has a held answer, or isn't due yet.
    """
    return wait.due_at is not None and _expire(wait)


@service_atomic
def _expire(wait: Wait) -> bool:
    now = clock.now()
    # This check comes before the lock, so that most early calls needn't take it. Under the lock,
    # the wait is read again.
    if not wait.is_due(now):
        return False
    run = lock_run(wait.run_id)
    wait.refresh_from_db()
    return waits.expire_wait(DatabaseStore(now), run, wait)

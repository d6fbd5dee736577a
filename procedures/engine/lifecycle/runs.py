"""The states of a run (queued, claimed, suspended, ended), and what changes them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import Event, EventKind, NewEvent, RunStatus
from procedures.engine.replay.history import UNDO
from procedures.engine.store import PendingRow, RunRow, Store

FIRST = RunStatus.QUEUED
"""The status of a new run."""
SUSPENDED = (RunStatus.WAITING, RunStatus.RETRYING)
LEFT_CHILDREN = (RunStatus.FAILED, RunStatus.SUCCEEDED)
"""The statuses of ended runs whose child runs may still be running."""


def is_over(run: RunRow) -> bool:
    return RunStatus(run.status).is_end


def is_suspended(run: RunRow) -> bool:
    return run.status in SUSPENDED


def is_held(run: RunRow, now: datetime) -> bool:
    """Return True if a worker holds the run, and the worker's lease has not expired."""
    is_working = run.status == RunStatus.RUNNING
    return is_working and run.leased_until is not None and run.leased_until > now


def is_claimable(run: RunRow, now: datetime) -> bool:
    """Return True if a worker may claim the run: it is queued, or its lease has expired."""
    is_lost = run.status == RunStatus.RUNNING and not is_held(run, now)
    return is_lost or run.status == RunStatus.QUEUED


def is_due(run: RunRow, now: datetime) -> bool:
    """Return True if it is time to queue a suspended run.

    That is the time of a step's next attempt, or the end of the run's maximum duration.
    """
    is_time = any(at is not None and at <= now for at in (run.wake_at, run.ends_at))
    return is_suspended(run) and is_time


def tell(store: Store, run: RunRow, payload: Mapping[str, Any], *, step: str = "") -> None:
    """Store an operator's request, which the run's next claim writes to the journal.

    `step` is the key of the step that the request concerns. The caller has locked the run.
    """
    draft = NewEvent(EventKind.OPERATOR, step, payload["action"], dict(payload))
    store.put_input(run.pk, draft, at=store.now, is_counted=True)


def queue(store: Store, run: RunRow) -> None:
    """Queue the run; a worker that still holds the run loses its lease and can't write."""
    # The epoch stays as it is, because the next claim raises it. Until then, the epoch 0 in the
    # head allows no writes.
    if run.status == RunStatus.RUNNING:
        store.revoke_lease(run)
    run.status, run.wake_at, run.leased_until = RunStatus.QUEUED, None, None
    run.queued_at = store.now
    store.save(run, "status", "wake_at", "leased_until", "queued_at")
    store.call_workers(run)


def wake(store: Store, run: RunRow) -> None:
    """Queue the run if it is suspended; if it is paused, an unpause will queue it.

    A run that a worker holds isn't changed: it is queued when the worker releases it.
    """
    if is_suspended(run):
        queue(store, run)
    elif run.status == RunStatus.PAUSED:
        run.paused_as = RunStatus.QUEUED
        store.save(run, "paused_as")


def reopen(store: Store, run: RunRow) -> None:
    """Queue a failed or quarantined run again, and clear its error and its end time."""
    # The run failed before the cancel took effect; a quarantined run is still to be cancelled.
    if run.status == RunStatus.FAILED:
        run.cancel_requested_at = None
    run.ended_at = None
    store.set_error(run, None)
    store.save(run, "error", "ended_at", "cancel_requested_at")
    queue(store, run)


def request_cancel(store: Store, run: RunRow) -> None:
    """Record in the run's row that the run is being cancelled, and drop a pending pause."""
    run.cancel_requested_at, run.pause_requested_at = store.now, None
    store.save(run, "cancel_requested_at", "pause_requested_at")


def hold(
    store: Store,
    run: RunRow,
    inputs: Sequence[PendingRow],
    drafts: Sequence[NewEvent],
    *,
    is_all: bool = False,
) -> None:
    """Make a new claim the only writer of the run's journal, and journal what was sent to the run.

    The caller has locked the run. The arguments are those of the store's method.
    """
    run.status, run.leased_until, run.epoch = (
        RunStatus.RUNNING,
        store.now + store.lease,
        run.epoch + 1,
    )
    run.wake_at = run.queued_at = None
    run.reached_at = store.now
    store.hold(run, inputs, drafts, is_all=is_all)


def hand_back(
    store: Store,
    run: RunRow,
    status: RunStatus,
    *,
    wake_at: datetime | None = None,
    result: str | None = None,
    error: Mapping[str, Any] | None = None,
) -> None:
    """Release the run from its writer, and give it a new status."""
    run.status, run.wake_at, run.result = status, wake_at, result
    run.leased_until = run.reached_at = None
    run.queued_at = store.now if status == RunStatus.QUEUED else None
    run.ended_at = store.now if status.is_end else None
    run.is_left_without_storage = False
    store.set_error(run, error)
    store.release(run)


def has_to_undo(store: Store, run: RunRow) -> bool:
    """Return True if a worker must execute compensations before the run can end."""
    return store.has_event(run, after=undone_since(run), kind=EventKind.COMPENSATION)


def undone_since(run: RunRow) -> int:
    """Return the number of the last event whose compensations this run doesn't execute.

    If the run is a fork, these are the compensations that it has taken over: the original run
    executes them. Compensations from before the last `continue_as_new` aren't executed, either.
    """
    return max(run.base_seq, run.carried_seq)


def is_undone(store: Store, run: RunRow) -> bool:
    """Return True if the run has executed a compensation, or has begun to execute one."""
    return store.has_event(run, after=run.base_seq, prefix=UNDO)


def are_undone(events: Iterable[Event]) -> bool:
    """Return True if a compensation in these events was executed, or was begun.

    This is `is_undone` for a run whose events are loaded already.
    """
    return any(one.key.startswith(UNDO) for one in events)


def told_to_cancel(store: Store, run: RunRow) -> dict[str, Any]:
    """Return who cancelled the run and why, as the content of the `run.cancelled` event."""
    return store.newest_content(run, EventKind.OPERATOR, "cancel")


def unended(runs: Iterable[RunRow]) -> list[RunRow]:
    return [run for run in runs if not is_over(run)]

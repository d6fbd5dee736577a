"""Operations on runs that have not ended: cancel, force end, pause, unpause."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from procedures.engine.journal.events import (
    RUN_ENDED,
    Batch,
    EventKind,
    Handoff,
    NewEvent,
    RunStatus,
    closing,
)
from procedures.engine.lifecycle.cancel import ask_to_end
from procedures.engine.lifecycle.children import report_to_parent, settle
from procedures.engine.lifecycle.claim import end_cancelled, park, take_hold
from procedures.engine.lifecycle.runs import (
    hand_back,
    has_to_undo,
    is_held,
    is_suspended,
    request_cancel,
    tell,
    unended,
)
from procedures.engine.store import RunRow, Store


class Cancelled(Enum):
    """The ways in which a cancelled run ends: immediately, by its worker, or after being undone."""

    AT_ONCE = auto()
    BY_ITS_WORKER = auto()
    UNDOING = auto()


def cancel(store: Store, run: RunRow, payload: Mapping[str, Any]) -> Cancelled:
    """Cancel a run, which the caller has locked.

    The run ends immediately, unless a worker holds it or has to execute its compensations. Then the
    worker ends the run.
    """
    ask_to_end(store, run, payload)
    # The worker may be in the middle of a step whose end must be stored and perhaps undone, so only
    # the worker can end the run properly.
    if is_held(run, store.now):
        return Cancelled.BY_ITS_WORKER
    # A worker whose lease has expired may still write until the head is locked, and may register a
    # compensation, which must be seen.
    store.lock_journal(run)
    if has_to_undo(store, run):
        return Cancelled.UNDOING
    take_hold(store, run)
    end_cancelled(store, run)
    return Cancelled.AT_ONCE


def force_end(store: Store, run: RunRow, payload: Mapping[str, Any]) -> int:
    """End a run and its descendants immediately; return the number of ended descendants.

    Runs end even if workers hold them. No compensations are executed, and packages such as `chat`
    can't refuse the end. The caller has locked the run.
    """
    store = store.regardless()
    tree = [run, *store.family(run)]
    for one in tree:
        # Close the waits of the whole tree before any run is held: a hold collects the results of
        # children, and would begin the next children of a map that is still open.
        for wait in store.waits(one, is_open=True):
            store.close_wait(one, wait, closing("withdrawn", responder=RUN_ENDED))
    alive = unended(tree)
    for one in alive:
        tell(store, one, payload)
        request_cancel(store, one)
        take_hold(store, one)
        draft = NewEvent(EventKind.RUN_CANCELLED, data=dict(payload))
        store.write(one, Batch((draft,), handoff=Handoff(RunStatus.CANCELLED)))
        hand_back(store, one, RunStatus.CANCELLED)
        store.tell_ended(one)
        report_to_parent(store, one)
    return len(alive) - 1


def pause(store: Store, run: RunRow, payload: Mapping[str, Any]) -> bool:
    """Pause a run, which the caller has locked; no worker claims the run until it is unpaused.

    Returns False if a worker holds the run. The worker then releases the run before its next step
    or wait, and the run is paused.
    """
    tell(store, run, payload)
    run.pause_requested_at = store.now
    store.save(run, "pause_requested_at")
    if is_held(run, store.now):
        return False
    # Collect the results of children before the status is read: they may queue the run, which then
    # continues in that status when it is unpaused.
    settle(store, run)
    # Read these before the hold, which clears both.
    status, wake_at = run.status if is_suspended(run) else RunStatus.QUEUED, run.wake_at
    take_hold(store, run)
    park(store, run, status, wake_at=wake_at)
    return True


def unpause(store: Store, run: RunRow, payload: Mapping[str, Any]) -> None:
    """Unpause a run, which the caller has locked, or withdraw a pause that hasn't taken effect yet.

    The run returns to the status that it had before the pause. It is queued if something was sent
    to it in the meantime.
    """
    tell(store, run, payload)
    if run.status != RunStatus.PAUSED:
        _drop_pause(store, run)
        return
    settle(store, run)
    wake_at = run.wake_at if run.paused_as == RunStatus.RETRYING else None
    take_hold(store, run)
    status, run.paused_as = RunStatus(run.paused_as), ""
    store.save(run, "paused_as")
    store.rest(run)
    _drop_pause(store, run)
    hand_back(store, run, status, wake_at=wake_at)
    if status == RunStatus.QUEUED:
        store.call_workers(run)


def _drop_pause(store: Store, run: RunRow) -> None:
    run.pause_requested_at = None
    store.save(run, "pause_requested_at")

"""Cancelling runs: a single run, or a tree of runs from the parent down to its children."""

from collections.abc import Iterable, Mapping
from typing import Any

from procedures.engine.journal.events import RUN_ENDED, RunStatus, closing
from procedures.engine.lifecycle.runs import (
    LEFT_CHILDREN,
    is_suspended,
    queue,
    request_cancel,
    tell,
    unended,
)
from procedures.engine.lifecycle.sets import DETACHED_KINDS
from procedures.engine.replay.history import UNDO
from procedures.engine.store import RunRow, Store, WaitRow

BY_PARENT = {
    "action": "cancel",
    "by": "system",
    "reason": "Cancelled: its parent run no longer needs it.",
}
AT_REST = (RunStatus.QUARANTINED, RunStatus.PAUSED)


def ask_to_end(store: Store, run: RunRow, payload: Mapping[str, Any]) -> None:
    """Record who cancels a run, withdraw its open questions, and cancel its descendants.

    A worker ends the run later. The caller has locked the run, which must not have ended; this
    function locks its descendants.
    """
    store.lock_below(run, are_closed=True)
    _ask(store, run, payload)


def _ask(store: Store, run: RunRow, payload: Mapping[str, Any]) -> None:
    tell(store, run, payload)
    request_cancel(store, run)
    asked = [wait for wait in store.waits(run, is_open=True) if not wait.key.startswith(UNDO)]
    withdraw_all(store, run, asked)  # questions of compensations stay open
    _end_all_below(store, run)
    # A queued run will be claimed anyway, and the worker of a running one looks for cancels itself.
    # To queue a running one would fence off a step that is nearly done.
    if is_suspended(run) or run.status in AT_REST:
        queue(store, run)


def _end_all_below(store: Store, run: RunRow) -> None:
    """Cancel a run's descendants, except children that were started to outlive their parent.

    Children of ended runs are cancelled, too, because a retry may have let them continue. Nobody
    needs their results any more.
    """
    needed = [child for child in store.below(run) if not _is_abandoned(child)]
    for child in needed:
        # An ended child has no worker that would do this, and no commit of its own that would close
        # its questions.
        if child.status in LEFT_CHILDREN:
            withdraw_all(store, child, store.waits(child, is_open=True))
            _end_all_below(store, child)
    _end_unneeded(store, needed)


def _is_abandoned(child: RunRow) -> bool:
    return child.parent_wait is not None and child.parent_wait.abandons


def withdraw_all(
    store: Store,
    run: RunRow,
    waits: Iterable[WaitRow],
    *,
    by: str = RUN_ENDED,
    is_end: bool = True,
) -> None:
    """Close these waits of a run without an answer, and cancel the children that they wait for.

    The caller has locked the child runs of these waits, and their descendants. `is_end` is True if
    the waits close because the run ends. Then children started with `on_parent_end="abandon"`
    aren't cancelled.
    """
    for wait in waits:
        store.close_wait(run, wait, closing("withdrawn", responder=by))
        if wait.kind in DETACHED_KINDS and not (is_end and wait.abandons):
            cancel_children(store, wait)


def cancel_children(store: Store, wait: WaitRow) -> None:
    """Cancel the children that a wait is waiting for.

    The caller has locked these children and their descendants.
    """
    _end_unneeded(store, store.children_alive(wait))


def _end_unneeded(store: Store, children: Iterable[RunRow]) -> None:
    for child in unended(children):
        # A child that was cancelled before keeps the name and the reason of whoever did it.
        if child.cancel_requested_at is None:
            _ask(store, child, BY_PARENT)

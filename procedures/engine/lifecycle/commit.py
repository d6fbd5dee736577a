"""The effects of a worker's events on the rows of runs and waits, in the events' own commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procedures.engine.errors import Overtaken
from procedures.engine.journal.events import (
    BEGUN_ANEW,
    GOING_ON,
    OPENING,
    Batch,
    Event,
    EventKind,
    Handoff,
    RunStatus,
)
from procedures.engine.lifecycle.cancel import cancel_children, withdraw_all
from procedures.engine.lifecycle.children import begin_children, report_to_parent
from procedures.engine.lifecycle.deliveries import refusal, send
from procedures.engine.lifecycle.inbox import READ, note_read
from procedures.engine.lifecycle.runs import SUSPENDED, hand_back
from procedures.engine.lifecycle.sets import DETACHED_KINDS
from procedures.engine.lifecycle.signals import match_signal, skip_last_read
from procedures.engine.lifecycle.waits import cells_of, decide, is_undecided
from procedures.engine.store import Row, RunRow, Store, WaitRow


@dataclass
class Checked:
    """A batch that may be committed, with the waits that it closes or opens."""

    is_undone: bool
    """True if the run was cancelled before its claim, so that the worker undoes its work."""
    closed: dict[str, WaitRow] = field(default_factory=dict)
    """The rows of waits that the batch closes and an earlier commit has opened, by key."""
    decided: set[str] = field(default_factory=set)
    """The keys of all waits that the batch closes, with those that the same batch has opened."""
    repeatable: list[WaitRow] = field(default_factory=list)
    """The waits for new questions that a standing decision may answer."""
    is_waiting: bool = False
    """True if the batch ends the run, and some waits of the run must be withdrawn."""


def check_batch(store: Store, run: RunRow, batch: Batch, *, is_undone: bool) -> Checked:
    """Check a worker's batch against what others have done to the run since its claim.

    The caller has locked the run. Raises `Overtaken` if the batch must not be committed, for
    example because somebody has closed a wait that the batch closes, or has cancelled the run.
    """
    _check_going_on(store, run, [] if is_undone else [draft.kind for draft in batch.events])
    checked, opened = Checked(is_undone), set[str]()
    for draft in batch.events:
        if draft.kind in OPENING:
            opened.add(draft.key)
        elif draft.kind == EventKind.WAIT_CLOSED:
            checked.decided.add(draft.key)
            # A wait that this batch opens itself has no row yet.
            if draft.key not in opened:
                checked.closed[draft.key] = _open_wait(store, run, draft.key)
        elif draft.kind == EventKind.SENT:
            _check_reach(store, run, draft.key, draft.data)
    if batch.handoff and batch.handoff.status.is_end:
        is_told_more, is_waiting = store.left_at_end(run, EventKind.OPERATOR)
        if is_told_more:
            raise Overtaken(str(run.pk))  # whatever an operator was told must be in the journal
        checked.is_waiting = is_waiting or bool(opened)
    return checked


def _check_going_on(store: Store, run: RunRow, kinds: Sequence[str]) -> None:
    if not GOING_ON.isdisjoint(kinds) and store.is_asked_to_stop(run):
        raise Overtaken(str(run.pk))


def _open_wait(store: Store, run: RunRow, key: str) -> WaitRow:
    wait = store.latest_wait(run, key)
    if wait is None or not wait.is_open:
        raise Overtaken(key)
    return wait


def _check_reach(store: Store, run: RunRow, key: str, content: Mapping[str, Any]) -> None:
    if not content["refused"] and refusal(store, run, content["to"]):
        raise Overtaken(key)  # access was revoked in the meantime, so the next claim checks again


def take_effect(
    store: Store, run: RunRow, events: Sequence[Event], batch: Batch, checked: Checked
) -> bool:
    """Change the rows as the events of the batch say; the caller has locked the run.

    Returns True if the worker releases the run, but the run is queued again, because something was
    sent to it in the meantime.
    """
    store.keep_files(run, batch.files)
    _lock_below(store, run, batch.handoff, checked)
    for event in events:
        _take_one(store, run, event, checked)
    if checked.repeatable:
        store.tell_repeatable(run, [wait for wait in checked.repeatable if is_undecided(wait)])
    if batch.handoff is None:
        return False
    is_queued = _hand_off(store, run, batch.handoff, is_undone=checked.is_undone)
    if batch.handoff.status.is_end:
        # Skip the query for most runs, which end with no open waits.
        if checked.is_waiting:
            _withdraw_rest(store, run, by=batch.handoff.closes)
        store.tell_ended(run)
        report_to_parent(store, run)
    return is_queued


def _lock_below(store: Store, run: RunRow, handoff: Handoff | None, checked: Checked) -> None:
    """Lock the child runs that the batch may cancel, before any wait is closed.

    The closing of a question locks the question's session. After that, no run may be locked.
    """
    if handoff and _ends_children(handoff):
        store.lock_below(run)
    elif checked.decided:
        store.lock_below(run, checked.decided)


def _ends_children(handoff: Handoff) -> bool:
    return handoff.status == RunStatus.CANCELLED or (handoff.status.is_end and handoff.has_children)


def _withdraw_rest(store: Store, run: RunRow, *, by: str) -> None:
    waits = store.waits(run, is_open=True)
    # Abandoned children continue, and a retry goes on waiting for them.
    if run.status == RunStatus.FAILED:
        waits = [wait for wait in waits if not wait.abandons]
    withdraw_all(store, run, waits, by=by)


def _take_one(store: Store, run: RunRow, event: Event, checked: Checked) -> None:
    match event.kind:
        case EventKind.NOTICE:
            store.tell_notice(run, event.content)
        case EventKind.WAIT_OPENED | EventKind.CHILD_STARTED:
            _open(store, run, event, checked)
        case EventKind.WAIT_CLOSED:
            _close(store, run, checked.closed[event.key], event.content)
        case EventKind.SEEN | EventKind.STEP_SUCCEEDED if READ in event.data:
            note_read(store, run, event)
        case EventKind.SENT:
            send(store, run, event, event.content)
        case EventKind.RUN_CONTINUED:
            run.base_seq = event.seq - 1  # a claim loads the events from this one on
            store.save(run, "base_seq")


def _open(store: Store, run: RunRow, event: Event, checked: Checked) -> None:
    content, is_decided = event.content, event.key in checked.decided
    # The earlier signal didn't fit, so the run waits for another one.
    if why := content.get("skipped"):
        skip_last_read(store, run, event.key, why)
    wait = store.insert_wait(run, content, cells_of(content, event.key, event.seq))
    # For a wait that is opened and closed in one batch, `_close` finds the row here, because the
    # check couldn't look it up.
    if is_decided:
        checked.closed[event.key] = wait
    _join_set(store, run, wait)
    store.tell_opened(run, wait, content)
    if not is_decided and content.get("repeatable"):
        checked.repeatable.append(wait)
    if wait.kind == "set":
        store.gather(wait, content["over"])
        # If the batch itself names the winners, as the code has seen them, deciding here could have
        # another result.
        if not is_decided:
            decide(store, run, wait)
    elif wait.kind == "signal" and not is_decided:
        match_signal(store, run, wait)
    elif wait.kind in DETACHED_KINDS:
        begin_children(store, run, wait, content)


def _join_set(store: Store, run: RunRow, wait: Row) -> None:
    """Make the wait part of the open set that names its key, if there is one.

    There is one if the set was opened before, and the run now asks one of its questions again.
    """
    for whole in store.waits(run, is_open=True, kind="set"):
        if wait.key in whole.opening()["over"]:
            wait.part_of = whole
            store.save(wait, "part_of")


def _close(store: Store, run: RunRow, wait: WaitRow, content: Mapping[str, Any]) -> None:
    """Close a wait because the run's code says so, and cancel the children that it waits for.

    The code closes a set that it found decided, and waits that it doesn't need any more.
    """
    store.close_wait(run, wait, content)
    is_left_alone = content["responder"] == BEGUN_ANEW and wait.abandons
    if wait.kind in DETACHED_KINDS and not is_left_alone:
        cancel_children(store, wait)


def _hand_off(store: Store, run: RunRow, handoff: Handoff, *, is_undone: bool) -> bool:
    """Release the run from its worker; return True if the run is queued again.

    A cancelled run that executes compensations may suspend, too. The cancel alone doesn't queue
    such a run again: each claim would suspend at the same wait, without end.
    """
    status = handoff.status
    # The run's row is locked. A later input will find the run suspended, and queue it; an earlier
    # one found it with its worker, and didn't queue it.
    is_called = status in SUSPENDED and store.is_called(run)
    is_ending = is_undone or status.is_end
    if is_called or (not is_ending and store.is_asked_to_stop(run)):
        status = RunStatus.QUEUED
    run.ends_at = handoff.ends_at
    wake_at = handoff.wake_at if status == handoff.status else None
    hand_back(store, run, status, wake_at=wake_at, result=handoff.result, error=handoff.error)
    return status == RunStatus.QUEUED

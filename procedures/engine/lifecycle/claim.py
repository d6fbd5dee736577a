"""Claiming a run, so that a worker may execute it, or an operation may write into its journal."""

from collections.abc import Sequence
from datetime import datetime

from procedures.engine.errors import CommitRefused
from procedures.engine.journal.events import (
    Batch,
    EventKind,
    Handoff,
    NewEvent,
    RunStatus,
)
from procedures.engine.lifecycle.children import CHILD_ENDED, settle
from procedures.engine.lifecycle.commit import check_batch, take_effect
from procedures.engine.lifecycle.deliveries import SENT, deliver_locked
from procedures.engine.lifecycle.quarantine import quarantined
from procedures.engine.lifecycle.runs import hand_back, has_to_undo, hold, told_to_cancel
from procedures.engine.store import PendingRow, RunRow, Store

BROUGHT = (CHILD_ENDED, SENT)
"""The kinds of reports of ended children, and of signals and cancels that other runs have sent.

They aren't written to the journal themselves. A claim applies them to the rows, and the effects,
such as closed waits, are written to the journal.
"""


def take_up(store: Store, run: RunRow, *, news: Sequence[PendingRow] | None = None) -> bool:
    """Give a run to a worker, which then executes it; the caller has locked the run.

    If the run is to be cancelled or paused, it is ended or paused instead, and the result is False.
    `news` is what was sent to the run, as `take_hold` takes it. If the result is True, nothing else
    may be written in this transaction, because the store may have committed it.
    """
    take_hold(store, run, news=news, is_last=True)
    if run.cancel_requested_at and not has_to_undo(store, run):
        _end_as_asked(store, run)
        return False
    if run.pause_requested_at:
        park(store, run, RunStatus.QUEUED)
        return False
    return True


def take_hold(
    store: Store,
    run: RunRow,
    *,
    news: Sequence[PendingRow] | None = None,
    is_last: bool = False,
) -> None:
    """Make the claim the only writer of a run's journal, and journal what was sent to the run.

    Such things are answers, signals and operations. The caller has locked the run. If the caller
    knows what is pending for the run, it passes that as `news`; more may have come since, and is
    left to the next claim. Pass `is_last` if the caller writes nothing else in this transaction,
    unless the run is to be cancelled or paused.
    """
    # Do this before the hold: inputs from other runs may close waits or cancel the run, which
    # changes what the claim does.
    inputs = _to_write(store, run, news)
    drafts = [NewEvent(EventKind(one.kind), one.key, one.name, one.content) for one in inputs]
    # A run that is to be cancelled or paused doesn't resume.
    goes_on = not (run.cancel_requested_at or run.pause_requested_at)
    if drafts and goes_on:
        drafts.append(NewEvent(EventKind.RUN_RESUMED))
    is_all = is_last and goes_on and inputs is news
    hold(store, run, inputs, drafts, is_all=is_all)


def _to_write(store: Store, run: RunRow, news: Sequence[PendingRow] | None) -> Sequence[PendingRow]:
    """Apply what was sent to the run with a kind in `BROUGHT`; return the rest, to be journaled."""
    # A cancel or a pause is read anew, so that the journal says who asked for it.
    if news is None or run.cancel_requested_at or run.pause_requested_at:
        news = store.pending_inputs(run)
    kinds = {one.kind for one in news}
    if kinds.isdisjoint(BROUGHT):
        return news
    if CHILD_ENDED in kinds:
        settle(store, run)
    if SENT in kinds:
        deliver_locked(store, run)
    # Read the inputs again: applying those from other runs has added others, such as the closings
    # of waits.
    return [one for one in store.pending_inputs(run) if one.kind not in BROUGHT]


def end_cancelled(store: Store, run: RunRow) -> None:
    """End a claimed run as cancelled, without executing more of its code."""
    draft = NewEvent(EventKind.RUN_CANCELLED, data=told_to_cancel(store, run))
    _end(store, run, Handoff(RunStatus.CANCELLED), (draft,))


def _end_as_asked(store: Store, run: RunRow) -> None:
    """End a claimed run as cancelled, or quarantine it if a package such as `chat` refuses.

    The quarantine shows the refusal to operators, because no caller is waiting for the outcome.
    """
    try:
        # If the end is refused, its changes are rolled back to here, but the claim around it must
        # be committed.
        with store.savepoint():
            end_cancelled(store, run)
    except CommitRefused as refusal:
        # The rollback has reverted the rows, but not this object.
        store.refresh(run)
        # Withdraw the cancel; otherwise the next claim after a retry would try to end the run, and
        # be refused again.
        run.cancel_requested_at = None
        store.save(run, "cancel_requested_at")
        remedy = "Fix what prevented the cancellation, then cancel the run again."
        _end(store, run, *quarantined(refusal, remedy=remedy))


def _end(store: Store, run: RunRow, handoff: Handoff, drafts: tuple[NewEvent, ...]) -> None:
    batch = Batch(drafts, handoff=handoff)
    checked = check_batch(store, run, batch, is_undone=False)
    take_effect(store, run, store.write(run, batch), batch, checked)


def park(store: Store, run: RunRow, status: str, *, wake_at: datetime | None = None) -> None:
    """Pause a claimed run; `status` is the status that the run gets when it is resumed."""
    run.paused_as = status
    store.save(run, "paused_as")
    store.rest(run)
    hand_back(store, run, RunStatus.PAUSED, wake_at=wake_at)

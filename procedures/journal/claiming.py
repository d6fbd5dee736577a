"""Taking hold of a run: a worker to carry it on, or an operator's act to write as its writer."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from procedures import dispatch, hooks
from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import FileStoreError, Interruption, StorageLost
from procedures.engine.journal.events import Event, EventKind, NewEvent, RunStatus, chained, closing
from procedures.engine.values import canonical
from procedures.journal.cancelling import all_below
from procedures.journal.children import settle_locked
from procedures.journal.database import DatabaseJournal
from procedures.journal.deliveries import deliver_locked
from procedures.journal.lease import LEASE
from procedures.journal.statements import insert
from procedures.journal.storage import limit_locks, storage, tell_regardless
from procedures.models import Run, RunInput
from procedures.models.besides import Exclusions
from procedures.models.proofs import ledger_key
from procedures.models.run import Queued
from procedures.models.run_input import PendingInput, pending_inputs, take

logger = logging.getLogger(__name__)
LONGEST_LOCK = 2
"""Seconds that a worker waits for a run which others look at, when it has nothing else to do."""


def claim(run_id: UUID) -> DatabaseJournal | None:
    """Take hold of a run and take in what came from outside, in one transaction.

    None when there is nothing to do, or another worker holds it. Raises `StorageLost`.
    """
    with storage, transaction.atomic():
        found = Run.objects.lock_claimable(run_id)
        return _claim_locked(found.run, found.at) if found else None


class Claimed(NamedTuple):
    """A run that was taken from the queue."""

    are_others: bool
    """Whether more is queued."""
    code: Procedure
    journal: DatabaseJournal | None
    """None: it had to end, or to rest, and did."""


class NotReadYet(Exception):  # noqa: N818 (no error: a reason to come back)
    """The code of a queued run is to be read first: that may take longer than a lease."""

    def __init__(self, read: Callable[[], object]) -> None:
        """`read`: reads it, outside of the claim, which would keep the run's row meanwhile."""
        self.read = read
        super().__init__()


def claim_next(
    code_for: Callable[[Queued], Procedure | None], besides: Exclusions
) -> Claimed | None:
    """Take hold of the run that was queued first, of those that there is code for.

    `code_for` may raise `NotReadYet`. None when nothing is left. What cannot be claimed is passed
    by: it keeps nobody waiting.
    """
    while True:
        found = None
        try:
            with storage, transaction.atomic():
                found = Run.objects.lock_queued(besides) or _next_held(besides)
                if found is None:
                    return None
                if code := code_for(found):
                    journal = _claim_locked(found.run, found.at, has_news=_has_news(found))
                    return Claimed(found.are_others, code, journal)
            besides.procedures.add(found.run.procedure_id)
        except NotReadYet as code:
            code.read()
        except (Interruption, Exception) as error:
            is_lost = isinstance(error, StorageLost)
            if is_lost and not isinstance(error.__cause__, FileStoreError):
                raise
            if found is None:
                raise
            logger.exception("Run %s cannot be claimed, and stays queued.", found.run.pk)
            Run.objects.queued().filter(pk=found.run.pk).update(queued_at=found.at)
            besides.runs.add(found.run.pk)


def _next_held(besides: Exclusions) -> Queued | None:
    """One that others hold just now, who answer it, say: it is waited for if it is the last."""
    while Run.objects.queued_besides(besides).exists():
        limit_locks(LONGEST_LOCK)
        if found := Run.objects.lock_queued(besides, waits=True):
            return found
    return None


def _has_news(found: Queued) -> bool:
    """What an operator said while the row was waited for, its row tells."""
    run = found.run
    return bool(found.has_news or run.cancel_requested_at or run.pause_requested_at)


def _claim_locked(run: Run, now: datetime, *, has_news: bool = True) -> DatabaseJournal | None:
    journal = _hold(run, now, has_news=has_news)
    if run.cancel_requested_at and not journal.begin_cancel():
        return None
    if run.pause_requested_at:
        journal.park(RunStatus.QUEUED)
        return None
    return journal


def cancel(run: Run, *, now: datetime) -> None:
    """End a locked run that is in no worker's hands, as its writer, in the same transaction."""
    _hold(run, now).cancel()


def pause(run: Run, *, now: datetime) -> None:
    """Let a locked run rest that is in no worker's hands; it goes on later as it stands now."""
    settle_locked(run, at=now)
    status, wake_at = run.status if run.is_suspended else RunStatus.QUEUED, run.wake_at
    _hold(run, now).park(status, wake_at=wake_at)


def unpause(run: Run, *, now: datetime) -> None:
    """Let a locked, paused run go on as it stood, or queued if something has come since."""
    settle_locked(run, at=now)
    wake_at = run.wake_at if run.paused_as == RunStatus.RETRYING else None
    _hold(run, now).unpause(wake_at=wake_at)
    if run.status == RunStatus.QUEUED:
        dispatch.call_workers()


def force_end(run: Run, said: Mapping[str, Any], *, now: datetime) -> int:
    """End a locked run and all below it at once, whoever holds them; how many stood below.

    Nothing is undone, and what the layers above refuse keeps none of them alive.
    """
    tree = [run, *all_below(run)]
    for one in tree:
        _close_all(one, at=now)
    unended = [one for one in tree if not RunStatus(one.status).is_end]
    for one in unended:
        RunInput.objects.tell(one, said, at=now)
        one.request_cancel(at=now)
        _hold(one, now).force_end(said)
    return len(unended) - 1


def _close_all(run: Run, *, at: datetime) -> None:
    content = closing("withdrawn", responder="system: run ended")
    for wait in run.waits.open():
        wait.close(content["outcome"], at=at)
        tell_regardless(hooks.wait_closed, run=run, wait=wait, content=content)


def _hold(run: Run, now: datetime, *, has_news: bool = True) -> DatabaseJournal:
    since = time.monotonic()
    inputs = _pending_inputs(run, now) if has_news else []
    run.hold(at=now, until=now + LEASE)
    if events := _taken_in(run, inputs, now):
        run.head.move(events[-1].seq, events[-1].hash)
        insert(run.pk, events)
        take(inputs, at=now)
    return DatabaseJournal(run, now=now, since=since)


def _pending_inputs(run: Run, now: datetime) -> list[PendingInput]:
    """What is to be written into the journal; what other runs did is brought to it first."""
    news = pending_inputs(run.pk)
    kinds = {one.kind for one in news}
    if kinds.isdisjoint(RunInput.BROUGHT):
        return news
    if RunInput.CHILD_ENDED in kinds:
        settle_locked(run, at=now)
    if RunInput.SENT in kinds:
        deliver_locked(run, at=now)
    return [one for one in pending_inputs(run.pk) if one.kind not in RunInput.BROUGHT]


def _taken_in(run: Run, inputs: Sequence[PendingInput], now: datetime) -> list[Event]:
    """The events that the inputs are in the journal."""
    drafts = [
        NewEvent(EventKind(one.kind), one.key, one.name, canonical.plain(one.data))
        for one in inputs
    ]
    if drafts and not (run.cancel_requested_at or run.pause_requested_at):
        drafts.append(NewEvent(EventKind.RUN_RESUMED))
    return chained(
        drafts,
        run_id=str(run.pk),
        after=run.head_seq,
        at=now,
        head=run.head_hash,
        key=ledger_key(),
    )

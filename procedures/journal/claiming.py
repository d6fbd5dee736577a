"""Taking hold of a run: a worker to carry it on, or an operator's act to write as its writer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from procedures import dispatch, hooks
from procedures.engine import canonical
from procedures.engine.journal import EventKind, RunStatus, closing
from procedures.journal.cancelling import all_below
from procedures.journal.children import settle_locked
from procedures.journal.database import LEASE, DatabaseJournal
from procedures.journal.storage import regardless, storage
from procedures.models import Run, RunInput
from procedures.models.clock import clock


def claim(run_id: UUID) -> DatabaseJournal | None:
    """Take hold of a run and take in what came from outside, in one transaction.

    None when there is nothing to do, or another worker holds it. Raises `StorageLost`.
    """
    with storage(), transaction.atomic():
        now = clock.now()
        run = Run.objects.claimable(now).locked().filter(pk=run_id).first()
        if run is None:
            return None
        journal = _hold(run, now)
        if run.cancel_requested_at and not journal.begin_cancel():
            return None
        if run.pause_requested_at:
            journal.rest(RunStatus.QUEUED)
            return None
    return journal


def cancel(run: Run, *, now: datetime) -> None:
    """End a locked run that is in no worker's hands, as its writer, in the same transaction."""
    _hold(run, now).cancel()


def pause(run: Run, *, now: datetime) -> None:
    """Let a locked run rest that is in no worker's hands; it goes on later as it stands now."""
    settle_locked(run, at=now)
    status, wake_at = run.status if run.is_suspended else RunStatus.QUEUED, run.wake_at
    _hold(run, now).rest(status, wake_at=wake_at)


def unpause(run: Run, *, now: datetime) -> None:
    """Let a locked, paused run go on as it stood, or queued if something has come since."""
    settle_locked(run, at=now)
    wake_at = run.wake_at if run.paused_as == RunStatus.RETRYING else None
    _hold(run, now).unpause(wake_at=wake_at)
    if run.status == RunStatus.QUEUED:
        dispatch.ring(run.pk)


def force_end(run: Run, said: Mapping[str, Any], *, now: datetime) -> int:
    """End a locked run and all below it at once, whoever holds them; how many stood below.

    Nothing is undone, and what the layers above refuse keeps none of them alive.
    """
    tree = [run, *all_below(run)]
    for one in tree:
        _close_all(one, at=now)
    unended = [one for one in tree if not RunStatus(one.status).is_end]
    for one in unended:
        RunInput.objects.create(
            run=one, kind=EventKind.OPERATOR, name=said["action"], data=canonical.text_of(said)
        )
        one.request_cancel(at=now)
        _hold(one, now).force_end(said)
    return len(unended) - 1


def _close_all(run: Run, *, at: datetime) -> None:
    content = closing("withdrawn", responder="system: run ended")
    for wait in run.waits.open():
        wait.close(content["outcome"], at=at)
        with regardless():
            hooks.wait_closed.send(Run, run=run, wait=wait, content=content)


def _hold(run: Run, now: datetime) -> DatabaseJournal:
    settle_locked(run, at=now)
    inputs = list(RunInput.objects.filter(run=run).untaken().for_the_journal())
    run.hold(until=now + LEASE, is_called=bool(inputs))
    journal = DatabaseJournal(run, now=now)
    journal.take_in(inputs)
    return journal

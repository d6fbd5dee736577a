"""The engine's journal in the database: one statement per step, fenced by the run's epoch."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from procedures.journal.cancelling import ask_to_end, lock_below, withdraw_all
from procedures.journal.children import begin_more, begin_run, settle, settle_locked
from procedures.journal.database import LEASE, DatabaseJournal
from procedures.journal.statements import ledger_key
from procedures.journal.storage import storage
from procedures.journal.waits import answer_wait, close_wait, match_signal, queue
from procedures.models import Run, RunInput
from procedures.models.clock import clock

__all__ = [
    "LEASE",
    "DatabaseJournal",
    "answer_wait",
    "ask_to_end",
    "begin_more",
    "begin_run",
    "cancel",
    "claim",
    "close_wait",
    "ledger_key",
    "lock_below",
    "match_signal",
    "queue",
    "settle",
    "withdraw_all",
]


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
    return journal


def cancel(run: Run, *, now: datetime) -> None:
    """End a locked run that is in no worker's hands, as its writer, in the same transaction."""
    _hold(run, now).cancel()


def _hold(run: Run, now: datetime) -> DatabaseJournal:
    settle_locked(run, at=now)
    inputs = list(RunInput.objects.filter(run=run).untaken().for_the_journal())
    run.hold(until=now + LEASE, is_called=bool(inputs))
    journal = DatabaseJournal(run, now=now)
    journal.take_in(inputs)
    return journal

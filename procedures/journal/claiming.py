"""Taking hold of a run for a worker: the one that is asked for, or the first of the queue."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import FileStoreError, Interruption, StorageLost
from procedures.engine.lifecycle.claim import take_up
from procedures.engine.lifecycle.runs import told_to_cancel
from procedures.journal.database import DatabaseJournal
from procedures.journal.database_store import DatabaseStore
from procedures.journal.storage import limit_locks, storage
from procedures.models import Run
from procedures.models.run_queries import Queued
from procedures.store.exclusions import Exclusions

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
    since, store = time.monotonic(), DatabaseStore(now)
    if not take_up(store, run, has_news=has_news):
        return None
    journal = DatabaseJournal(run, now=now, since=since)
    if run.cancel_requested_at:
        journal.is_cancelled, journal.cancellation = True, told_to_cancel(store, run)
    return journal

"""Claims of runs by workers: of a given run, or of the first run in the queue."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import FileStoreError, Interruption, StorageLost
from procedures.engine.lifecycle.claim import take_up
from procedures.engine.lifecycle.runs import told_to_cancel
from procedures.journal.database import DatabaseJournal
from procedures.journal.database_store import DatabaseStore
from procedures.journal.storage import limit_locks, storage
from procedures.models import Installation, Run
from procedures.models.pending_input import PendingInput
from procedures.models.run_queries import Queued
from procedures.store.cursors import this_database
from procedures.store.exclusions import Exclusions

logger = logging.getLogger(__name__)
LONGEST_LOCK = 2
"""Seconds for which a worker without other work waits for the lock on a queued run."""


def claim(run_id: UUID) -> DatabaseJournal | None:
    """Claim a run and journal what was sent to it, in one transaction.

    Returns None if another worker holds the run, if the run needs no worker, or if the claim itself
    has ended or paused the run. Raises `StorageLost` if the database can't be used.
    """
    with storage, transaction.atomic():
        found = Run.objects.lock_claimable(run_id)
        return _claim_locked(DatabaseStore(found.at), found.run) if found else None


class Claimed(NamedTuple):
    """A run that was claimed from the queue."""

    are_others: bool
    """True if more runs are queued."""
    code: Procedure
    journal: DatabaseJournal | None
    """The run's journal; None if a cancel or pause was pending and the claim has carried it out."""


class CodeNotRead(Exception):  # noqa: N818 (not an error, but a reason to try again)
    """A sign that the code of a run must be read from its file before a worker claims the run.

    The claim holds locks, and reading the code may take longer than a lease lasts.
    """

    def __init__(self, read: Callable[[], object]) -> None:
        """Store `read`, which reads the code; `claim_next` calls it without any lock on the run."""
        self.read = read
        super().__init__()


def claim_next(
    code_for: Callable[[Queued], Procedure | None], excluded: Exclusions
) -> Claimed | None:
    """Claim the first queued run that `excluded` doesn't exclude and for which `code_for` has code.

    `code_for` returns None if this worker has no code for the run, and may raise `CodeNotRead`. A
    procedure without code is added to `excluded`. A run that can't be claimed is added, too, and is
    moved to the end of the queue, so that other runs don't wait for it. Returns None if no run is
    left.
    """
    is_first = True
    while True:
        found = None
        try:
            with _trusting(is_first=is_first), storage, transaction.atomic():
                # First try without waiting, so that a row that a slow answer has locked doesn't
                # keep this worker from the others.
                found = Run.objects.lock_queued(excluded) or _next_held(excluded)
                if found is None:
                    return None
                # The row stays locked until the claim is committed, or until this block ends. So
                # `code_for` must be quick, and raises `CodeNotRead` instead of reading a text.
                if code := code_for(found):
                    head, news = found.read_head_and_news()
                    journal = _claim_locked(
                        DatabaseStore(found.at, head=head), found.run, news=news
                    )
                    return Claimed(found.are_others, code, journal)
            # This worker has no code for the run. Skip its procedure from now on, or the loop would
            # find the same run again.
            excluded.procedures.add(found.run.procedure_id)
        # Read the code here, after the transaction was rolled back: the run stays queued for any
        # worker, and the next turn of the loop finds it again.
        except CodeNotRead as code:
            code.read()
        # Catch any exception of one broken run, whether it is the author's fault or ours, so that
        # the other queued runs are still executed.
        except (Interruption, Exception) as error:
            # The connection died while nobody used it, and nothing was done: try a new one.
            if is_first and found is None and _is_database_lost(error) and _replace_connections():
                is_first = False
                continue
            if found is None or _is_database_lost(error):
                raise
            logger.exception("Run %s couldn't be claimed and stays queued.", found.run.pk)
            _pass_by(found, excluded)


@contextmanager
def _trusting(*, is_first: bool) -> Iterator[None]:
    """Let our backend for PostgreSQL take a connection from the pool without asking the server.

    An answered run would wait for the server's reply. If the connection turns out to be dead,
    nothing was done, and the claim is repeated over a new one.
    """
    database: Any = this_database()
    database.is_trusting, database.has_trusted = is_first, False
    try:
        yield
    finally:
        database.is_trusting = False


def _replace_connections() -> bool:
    """Replace all connections of the process; return False if the lost one had been checked."""
    database: Any = this_database()
    if database.has_trusted:
        database.replace_connections()
    return bool(database.has_trusted)


def _is_database_lost(error: BaseException) -> bool:
    """Return True if the error means that the database can't be used.

    If only the file store can't be used, the result is False, because that affects only some runs.
    """
    is_lost = isinstance(error, StorageLost)
    return is_lost and not isinstance(error.__cause__, FileStoreError)


def _pass_by(found: Queued, excluded: Exclusions) -> None:
    """Move a run that can't be claimed now to the end of the queue, and add it to `excluded`."""
    # Move it to the end of the queue, or each worker would try it first, in every turn. Check that
    # it is still queued, because its row is no longer locked.
    Run.objects.queued().filter(pk=found.run.pk).update(queued_at=found.at)
    excluded.runs.add(found.run.pk)


def _next_held(excluded: Exclusions) -> Queued | None:
    """Wait for a queued run that another transaction has locked, and return the run.

    Returns None if no run is queued, apart from those in `excluded`.
    """
    # After waiting for a row, a statement may find it claimed and return nothing although other
    # runs are queued. So the loop ends only when the queue is empty, or nothing may be claimed.
    while Run.objects.queued_except(excluded).exists() and not Installation.is_held():
        limit_locks(LONGEST_LOCK)
        if found := Run.objects.lock_queued(excluded, waits=True):
            return found
    return None


def _claim_locked(
    store: DatabaseStore, run: Run, *, news: Sequence[PendingInput] | None = None
) -> DatabaseJournal | None:
    # Start the clock first: the lease runs from `store.now`, which was read with the row. If the
    # clock started later, the worker would believe its lease to last longer than it does.
    since = time.monotonic()
    if not take_up(store, run, news=news):
        return None
    journal = DatabaseJournal(run, now=store.now, since=since, loaded=store.journal)
    if run.cancel_requested_at:
        journal.is_cancelled, journal.cancellation = True, told_to_cancel(store, run)
    return journal

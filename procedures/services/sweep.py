"""The periodic pass that handles what is due and repairs what was lost."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from procedures import dispatch, journal
from procedures.engine.lifecycle import runs as rules
from procedures.engine.lifecycle.children import begin_more, collect_child_results
from procedures.engine.lifecycle.deliveries import deliver
from procedures.journal import DatabaseStore
from procedures.models import Installation, Run, Wait
from procedures.models.clock import clock
from procedures.services.passes import serve_one
from procedures.services.waits import expire_wait, settle_wait
from procedures.transactions import service_atomic

LARGEST_SWEEP = 500
BREAK = max(journal.LEASE / 3, timedelta(seconds=2))
"""The maximum time between two sweeps that doesn't count as a break, and the length of a grace
period.

After a break, the clock process lets this period pass before it takes runs from workers.
"""
MOST_WAITS = 2
"""The maximum number of grace periods in a row. A second break can begin a second grace period."""
T = TypeVar("T", Run, Wait)


class Sweeper:
    """The sweeps of a clock process; after a break, they leave expired leases alone for a while.

    If a database, a machine or its clock has stood still, all leases expire together. Live workers
    then renew their leases as soon as they can. Only after that do expired leases show which runs
    are lost.
    """

    def __init__(self) -> None:
        self._looked_at: datetime | None = None
        self._waits_since: datetime | None = None
        self._waits = 0

    def __call__(self) -> None:
        now = clock.now()
        sweep(now, takes_lost=not self._is_after_a_break(now))
        self._looked_at = now

    def _is_after_a_break(self, now: datetime) -> bool:
        """Return True during the grace period after a break, in which lost runs are left alone.

        Another break during this period begins a second period. After that, lost runs are handled,
        however late the sweeps are. `now` is the time of the database's clock.
        """
        is_late = self._looked_at is None or now - self._looked_at > BREAK
        if is_late and self._waits < MOST_WAITS:
            self._waits, self._waits_since = self._waits + 1, now
        if self._waits_since is not None and now - self._waits_since < BREAK:
            return True
        self._waits, self._waits_since = 0, None
        return False


def sweep(now: datetime | None = None, *, takes_lost: bool = True) -> None:
    """Handle due waits, retries, expired leases and runs that last too long.

    `now` is the time of the sweep by the database's clock. With `takes_lost=False`, runs whose
    lease has expired are left alone. Two simultaneous sweeps are harmless.
    """
    now = now or clock.now()
    # Waits come before runs: a deadline must take effect even in a run that is about to be queued
    # for another reason.
    _each(Wait.objects.to_settle(now).order_by("effective_at"), settle_wait)
    _each(Wait.objects.due(now).order_by("due_at"), expire_wait)
    _each(Run.objects.with_news_of_children(), _settle)
    _each(Run.objects.with_mail(), _deliver)
    _each(Wait.objects.behind().order_by("pk"), _begin_more)
    runs = Run.objects
    # Stuck code never notices that its run is cancelled. Therefore the run is queued although a
    # worker holds it, and another worker undoes its steps.
    cut_off = runs.silent(now).exclude(cancel_requested_at=None)
    for due in (runs.due_for_retry(now), runs.out_of_time(now), cut_off):
        _each(due.order_by("pk"), _queue)
    if takes_lost:
        _each(runs.lost(now).order_by("pk"), _queue_in_time())
    if runs.stale(now).exists():
        dispatch.call_workers()
    Installation.note_sweep()


def _each(rows: QuerySet[T], mend: Callable[[T], object]) -> None:
    """Call `mend` for each row in a transaction of its own, so that a failure delays no other row.

    If another transaction keeps a run locked, the remaining rows of this run are skipped. If this
    happens in a batch of the maximum size, the next batch leaves out the locked runs.
    """
    found, locked, is_crowded = list(rows[:LARGEST_SWEEP]), set[UUID](), False
    for row in found:
        # If a run couldn't be locked in time, trying its other waits would cost half a second each
        # and delay all runs.
        if _run_of(row) in locked:
            is_crowded = len(found) == LARGEST_SWEEP
            continue
        if not serve_one(row, mend, name=f"{type(row).__name__} {row.pk}"):
            locked.add(_run_of(row))
    if is_crowded:
        is_wait = isinstance(found[0], Wait)
        # This recursion ends, because each turn excludes at least one more run.
        _each(rows.exclude(**{"run__in" if is_wait else "pk__in": locked}), mend)


def _run_of(row: Run | Wait) -> UUID:
    return row.run_id if isinstance(row, Wait) else row.pk


def _begin_more(wait: Wait) -> None:
    begin_more(DatabaseStore(), wait.run_id, wait.key)


def _deliver(run: Run) -> None:
    deliver(DatabaseStore(), run.pk)


def _settle(run: Run) -> None:
    collect_child_results(DatabaseStore(), run.pk)


def _queue_in_time() -> Callable[[Run], None]:
    """Return a function that queues a lost run, but does nothing once `BREAK` has passed from now.

    If this sweep is slow, the same cause may have kept workers from renewing their leases.
    """
    ends = time.monotonic() + BREAK.total_seconds()

    def queue(run: Run) -> None:
        if time.monotonic() < ends:
            _queue(run)

    return queue


@service_atomic
def _queue(run: Run) -> None:
    now = clock.now()
    runs = Run.objects
    cut_off = runs.silent(now).exclude(cancel_requested_at=None)
    due = runs.due_for_retry(now) | runs.out_of_time(now) | runs.lost(now) | cut_off
    # The run is read again under the lock, because it may have been renewed, claimed or ended since
    # the sweep read it.
    if found := due.locked().filter(pk=run.pk).first():
        rules.queue(DatabaseStore(now), found)

"""The lease keeper: one thread that renews the leases of all runs that this process holds."""

import faulthandler
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connection, connections

from procedures.engine.journal.events import Working
from procedures.journal import LEASE, RENEWED_EVERY, DatabaseJournal, own_database
from procedures.slot import slot

logger = logging.getLogger(__name__)
BEAT = min(RENEWED_EVERY, 1)
"""Seconds until a run's lease is first renewed, and between two renewals."""
TICK = BEAT / 4
LEAVES_WITHIN = 3
"""Seconds that a process may still work on a run after another worker has claimed the run."""
SILENT_FOR = LEASE.total_seconds() + 10
"""Seconds after which a timer ends the process if this thread couldn't run meanwhile, because C
code never released the GIL."""


class LeaseKeeper:
    """A thread that renews the leases of the runs that this process holds.

    When the process has held no run for one interval, the thread closes its database connection. In
    a worker's child process, the thread then waits for the next run; in other processes, it ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_held = threading.Condition(self._lock)
        self._holds: list[HeldRun] = []
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating_for(self, held: DatabaseJournal) -> Iterator[None]:
        """Renew the run's lease while the block runs; no renewal is in progress after the block."""
        hold = HeldRun(held)
        with self._lock:
            self._holds.append(hold)
            self._keep_beating()
            _fence(self._holds)  # before any code that might never let the thread run
        try:
            yield
        finally:
            with self._lock:
                self._holds.remove(hold)
            # This is outside the keeper's lock, because it may wait for a renewal in progress, and
            # other threads must be able to add and remove runs meanwhile.
            hold.end()
            if slot.is_open:
                faulthandler.cancel_dump_traceback_later()

    def _keep_beating(self) -> None:
        # A fork copies the object but not the thread. In the child, `is_alive` is false, so the
        # child starts a thread of its own.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._beat, name="lease_keeper", daemon=True)
            self._thread.start()
        self._is_held.notify_all()  # a forked child has a copy of its parent's waiter, too

    def _beat(self) -> None:
        """Renew leases over the thread's own connection, which the run's code can't delay."""
        # `connections` is local to the thread, so this replaces the database only for this thread.
        connections[DEFAULT_DB_ALIAS] = own_database()
        while True:
            try:
                self._beat_while_held()
            finally:
                connection.close()
            # Runs are added under the same lock, so no run can be added unseen between this check
            # and the end of the thread.
            with self._lock:
                if slot.is_open:  # a new thread would cost the next run more than its replay
                    self._is_held.wait_for(lambda: self._holds)
                elif not self._holds:
                    self._thread = None
                    return

    def _beat_while_held(self) -> None:
        quiet_since, fenced_at = time.monotonic(), 0.0
        while True:
            time.sleep(TICK)
            now = time.monotonic()
            with self._lock:
                holds = list(self._holds)
                if now - fenced_at >= BEAT:
                    _fence(holds)
                    fenced_at = now
                if not holds and now - quiet_since >= BEAT:
                    return
            if holds:
                quiet_since = now
            # This doesn't hold the lock, because a renewal may wait for the database, and the
            # worker must be able to add and remove runs.
            for hold in holds:
                hold.look(now)


def _fence(holds: "list[HeldRun]") -> None:
    """Set a timer that ends this process unless this function is called again in time.

    The timer needs no GIL, so it also ends a process whose code never releases the GIL. The
    worker's main process is another safeguard: it ends a process that keeps working on a lost run.
    """
    # The timer is set only in a slot. In a web process or a test, it would end everything else in
    # the process, too.
    if not slot.is_open or not holds or any(hold.is_taken for hold in holds):
        return  # for a taken run, the timer that was set last expires
    # The timer's thread is written in C and needs no GIL, so it also ends a process whose code
    # holds the GIL for ever.
    faulthandler.dump_traceback_later(SILENT_FOR, exit=True)


class HeldRun:
    """A run that this process holds, with what is needed to renew its lease."""

    def __init__(self, journal: DatabaseJournal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._is_over = False
        self.is_taken = False
        """True if another worker has claimed the run while this process was still working on it."""
        self._shown: Working | None = None
        self._looked = self._renewed = journal.since

    def end(self) -> None:
        """End the renewals of the lease; wait if one is in progress."""
        with self._lock:
            self._is_over = True

    def look(self, now: float) -> None:
        """Renew the lease, and read whether another worker or an operator has changed the run.

        The run may have been cancelled, paused, or claimed by another worker. After an error, the
        next regular renewal tries again.
        """
        with self._lock:
            if self._is_over or now - self._looked < BEAT:
                return
            self._looked = now
            try:
                self._renew(now)
            except Exception as error:  # noqa: BLE001 (whatever the driver raises, it beats on)
                run = self._journal.run.run_id
                logger.warning("Run %s: the lease couldn't be renewed: %s", run, error)
                # Outside a worker, this thread may outlive the run, and a test couldn't remove a
                # database that is still connected.
                connection.close()
            finally:
                if not slot.is_open:
                    connection.close()

    def _renew(self, now: float) -> None:
        working = self._journal.working
        self._journal.look_around()
        if self._journal.is_taken:
            self._leave()
            return
        # Steps are compared by identity: each attempt makes a new object, so that people see the
        # new step at once and not only at the next renewal.
        is_due = working is not self._shown or now - self._renewed >= RENEWED_EVERY
        # A renewal that failed because the row was locked is tried again at the next beat, well
        # before the lease expires.
        if is_due and self._journal.renew():
            self._shown, self._renewed = working, now

    def _leave(self) -> None:
        """Set a timer that ends this process unless its code stops working on the run in time."""
        self._is_over = True
        if slot.is_open:
            self.is_taken = True
            faulthandler.dump_traceback_later(LEAVES_WITHIN, exit=True)


lease_keeper = LeaseKeeper()

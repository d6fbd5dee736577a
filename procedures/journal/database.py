"""The engine's journal in the database, as the worker that holds a run uses it."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

from django.db import connection

from procedures import hooks
from procedures.board import board
from procedures.conf import conf
from procedures.engine.declaration.limits import Limits
from procedures.engine.errors import Interruption, StorageLost
from procedures.engine.journal.events import (
    Batch,
    Event,
    Handoff,
    Piece,
    RunFacts,
    RunStatus,
    Working,
    chained,
)
from procedures.engine.journal.seals import proven
from procedures.engine.lifecycle.commit import check_batch, take_effect
from procedures.engine.lifecycle.deliveries import refusal
from procedures.engine.lifecycle.inbox import unread_messages, unread_signals
from procedures.engine.values.sizes import Sizes
from procedures.journal.database_store import DatabaseStore
from procedures.journal.forgiveness import forgive_claim
from procedures.journal.kept_journals import KeptJournal, kept_journals
from procedures.journal.lease import LEASE, renew
from procedures.journal.leftovers import ConnectionStates, closed_after
from procedures.journal.storage import durable, fault_of, receivers, storage
from procedures.live_texts import scribe
from procedures.models import Event as EventRow
from procedures.models import Run
from procedures.models.event import journal_since
from procedures.models.ids import uuid7
from procedures.models.proofs import ledger_key
from procedures.slot import slot
from procedures.store.cursors import this_database
from procedures.store.fence import Fence, changes_only_journal
from procedures.store.rows import adapted

logger = logging.getLogger(__name__)
TRY_AGAIN_AFTER = (0.1, 0.5, 1, 2)
"""Seconds to wait before the second, third, fourth and fifth attempt to write."""
SHARE_OF_A_LEASE = 0.6
"""The share of a lease for which a step's transaction may hold SQLite's only write lock."""


class DatabaseJournal:
    """A run's journal in the database, for the one worker that holds the run."""

    def __init__(
        self, row: Run, *, now: datetime, since: float, loaded: KeptJournal | None = None
    ) -> None:
        """Use the run's row as its claim has left it, at the time `now` of the database.

        `since` is that time by the monotonic clock of this machine. `loaded` holds the events, if
        the claim has read them already.
        """
        self._row, self._read = row, loaded
        self._loaded: KeptJournal | None = None
        """All events so far, to be kept if the run waits; None if this process keeps none."""
        self._fence = Fence(str(adapted(row.pk)), row.epoch)
        self._key = ledger_key()
        self._seq, self._head = row.head_seq, row.head_hash
        self._transacting: int | None = None
        """The id of the thread whose step has opened `transaction`; None if no step has."""
        self.since = self._reached = since
        """The time of the claim, and so of the beginning of the lease, by the monotonic clock."""
        # Compute the difference of the two clocks once, so that a later correction of this
        # machine's wall clock doesn't change the journal's time.
        self._ahead = now.timestamp() - since
        self.run = RunFacts(
            str(row.pk),
            row.inputs,
            row.seed,
            row.head.claims,
            row.depth,
            began_at=row.created_at,
            is_left_without_storage=row.is_left_without_storage,
            limits=Limits(**conf.RUN_LIMITS),
            sizes=Sizes(**conf.SIZES),
        )
        self.working: Working | None = None
        self.is_cancelled = self.is_paused = False
        self.cancellation: Mapping[str, Any] | None = None
        self.is_wanted_elsewhere = False
        self.is_taken = False
        """True if the run has ended, or if another worker has claimed the run."""
        self.is_queued_again = False
        """True if the run was queued again at its release, because it had been sent something."""

    @property
    def epoch(self) -> int:
        """The number of this claim among the claims of the run; it fences off earlier claims."""
        return self._row.epoch

    def now(self) -> datetime:
        """Return the database's time at the claim, plus the monotonic time since the claim."""
        return datetime.fromtimestamp(time.monotonic() + self._ahead, UTC)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    @property
    def parent_id(self) -> str | None:
        with storage:
            return str(self._row.parent_id or "") or None

    @property
    def is_stopping(self) -> bool:
        return slot.is_leaving

    def connection_states(self) -> ConnectionStates:
        return ConnectionStates()

    def spend_process(self, why: str) -> None:
        slot.replace(why)

    def was_told_since(self, moment: datetime) -> bool:
        return slot.was_told_since(moment.timestamp() - self._ahead)

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        return fault_of(error)

    def load(self) -> list[Event]:
        # Given away once, because the journal grows, and may be large.
        read, self._read = self._read, None
        if read is None:
            base_seq = self._row.base_seq
            with storage:
                read = KeptJournal(base_seq, journal_since(self._row.pk, base_seq))
        # A replay from the top within this claim reads the journal again, with all events so far.
        self._loaded = read if slot.is_open else None
        return read.events

    def new_id(self) -> str:
        return str(uuid7())

    def status_of(self, run_id: str) -> str:
        with storage:
            found = Run.objects.filter(pk=run_id).values_list("status", flat=True).first()
        return str(found or RunStatus.QUEUED)

    def unread_messages(self) -> list[dict[str, Any]]:
        with storage:
            return unread_messages(DatabaseStore(), self._row)

    def unread_signals(self, name: str) -> list[dict[str, Any]]:
        with storage:
            return unread_signals(DatabaseStore(), self._row, name)

    def refusal(self, run_id: str) -> str:
        with storage:
            return refusal(DatabaseStore(), self._row, run_id)

    # Writing

    def commit(self, batch: Batch) -> list[Event]:
        """Store the batch in one commit and return its events.

        On PostgreSQL, a batch of events that change no other row takes one query. If the
        database is briefly unreachable, the journal is read over a new connection. If the commit
        hasn't arrived, the batch is stored again.
        """
        events, is_in_step = self._chain(batch), self._is_in_step
        try:
            self._write(events, batch, is_in_step=is_in_step)
        except StorageLost as lost:
            if is_in_step:  # the transaction is lost, with the step's own writes
                raise
            self._write_again(events, batch, lost)
        # Advance only now: a refused batch leaves the head where it is, and the next batch is
        # chained to the last stored event.
        self._seq, self._head = events[-1].seq, events[-1].hash
        self._reached = time.monotonic()
        if self._loaded:
            self._loaded.add(events)
        if batch.handoff:
            # The run no longer belongs to this worker, however long the rest takes.
            board.clear_claim()
            self._keep(batch.handoff)
        # Inside a step's transaction, nothing is committed yet; `transaction` notifies later. If it
        # were done now, readers would look too early and find no change.
        if not is_in_step:
            self._tell_of_change()
        return events

    def _keep(self, handoff: Handoff) -> None:
        """Keep the journal of a run that waits, for the next claim of this process."""
        loaded, self._loaded = self._loaded, None
        if loaded and handoff.status == RunStatus.WAITING:
            kept_journals.keep(self.run.run_id, loaded)

    def _write_again(self, events: Sequence[Event], batch: Batch, lost: StorageLost) -> None:
        """Try for some seconds to store the batch again, so that no other worker repeats the step.

        If another worker has claimed the run meanwhile, the fence refuses the batch.
        """
        later = int(conf.STORAGE_PATIENCE_SECONDS)
        for pause in (*TRY_AGAIN_AFTER, *repeat(1, later)):
            time.sleep(pause)
            # Look in the journal first, because the write that got no answer may have arrived. Then
            # the fence would refuse a second write, as if another worker held the run.
            if self._is_kept_at(events[-1].seq, events[-1].hash):
                return
            try:
                self._write(events, batch)
            except StorageLost as again:
                lost = again
            else:
                return
        raise lost

    @contextmanager
    def transaction(self) -> Iterator[float | None]:
        """Open a transaction that commits a step's writes together with the step's checkpoint.

        Yields the seconds that the transaction may last on SQLite; yields None on PostgreSQL. If
        the database doesn't confirm the commit, the journal is read to find out if the commit has
        arrived.
        """
        # Store the thread: the watchdog and `progress` may write from other threads meanwhile, and
        # only this thread's writes belong to the transaction.
        self._transacting = threading.get_ident()
        before = (self._seq, self._head)
        try:
            # The order matters: `durable` ends the transaction, then `storage` translates an error
            # of its COMMIT, and only then unclean connections may be closed.
            with closed_after(), storage, durable():
                is_sqlite = connection.vendor == "sqlite"
                # SQLite's lock keeps the lease keeper from writing, too. If a step held it for
                # longer than a lease, another worker would claim the run meanwhile.
                yield LEASE.total_seconds() * SHARE_OF_A_LEASE if is_sqlite else None
        # It isn't known if the COMMIT arrived. If the checkpoint is in the journal, the step's
        # writes are in the database as well, because both were in one transaction.
        except StorageLost:
            if self._seq == before[0] or not self._is_kept_at(self._seq, self._head):
                raise
        except BaseException:  # nothing was stored, so the next event follows the one before
            self._seq, self._head = before
            raise
        finally:
            self._transacting = None
        self._tell_of_change()

    def forgive_claim(self) -> None:
        """Don't count this claim towards the poison limit, because the worker is healthy."""
        forgive_claim(self._row.pk)

    def note_storage(self) -> None:
        with storage:
            Run.objects.filter(pk=self._row.pk).update(is_left_without_storage=False)

    def show(self, piece: Piece) -> None:
        scribe.tell(self.run.run_id, self.epoch, piece)

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        """Store the batch, which records that the code is stuck, and kill this process.

        Nothing is done if `is_stuck` returns False, because the code has returned to the engine. A
        watchdog calls this in its own thread. If the batch can't be stored, the process is killed
        anyway, and the lease expires.
        """
        is_locked = self._transacting and connection.vendor == "sqlite"
        if not is_stuck():  # the code has come back just now
            return
        try:
            if not is_locked:  # the step itself holds SQLite's only write lock
                self.commit(batch)
        except Interruption as interruption:
            # The worker's own commit was fenced off: the code has just come back and stored its
            # end.
            if not is_stuck():
                return
            logger.warning(
                "The stuck code of run %s is being stopped, but this couldn't be recorded: %s",
                self.run.run_id,
                interruption,
            )
        finally:
            connection.close()
        # Kill the process: the code's thread is stuck in C or ignores exceptions, so a clean exit
        # would hang.
        os.kill(os.getpid(), signal.SIGKILL)

    @property
    def _is_in_step(self) -> bool:
        return self._transacting is not None and self._transacting == threading.get_ident()

    def _write(self, events: Sequence[Event], batch: Batch, *, is_in_step: bool = False) -> None:
        if is_in_step:
            with storage:
                self._append_and_take_effect(events, batch)
            return
        database = this_database()
        with storage:
            # Events that change no other row need no lock on the run. All others lock the run
            # before its head, in one transaction.
            if changes_only_journal(batch) and not database.in_atomic_block:
                self._fence.append_at_once(database, events, batch)
                return
            with durable():
                self._append_and_take_effect(events, batch)

    def _append_and_take_effect(self, events: Sequence[Event], batch: Batch) -> None:
        # The fence comes first: it locks the run's row, and stops a worker that has lost the run
        # before it changes any other row.
        self._fence.append(events, batch)
        store, is_undone = DatabaseStore(events[-1].at), self.cancellation is not None
        checked = check_batch(store, self._row, batch, is_undone=is_undone)
        with receivers():
            is_queued = take_effect(store, self._row, events, batch, checked)
        self.is_queued_again = self.is_queued_again or is_queued

    def _chain(self, batch: Batch) -> list[Event]:
        return chained(
            proven(batch, run_id=self.run.run_id, key=self._key),
            run_id=self.run.run_id,
            after=self._seq,
            at=self.now(),
            head=self._head,
            key=self._key,
        )

    def _is_kept_at(self, seq: int, mark: str) -> bool:
        """Return True if the event with this number and this hash is in the journal.

        The result shows whether a commit that the database didn't confirm has arrived.
        """
        # A connection that lost an answer may be half open, so only a new one can tell whether the
        # commit arrived.
        connection.close()
        try:
            with storage:
                return EventRow.objects.filter(run=self._row, seq=seq, hash=mark).exists()
        except StorageLost:
            return False

    def _tell_of_change(self) -> None:
        hooks.tell_of_change(self.run.run_id)

    # The heartbeat

    def renew(self) -> bool:
        """Renew the lease.

        Returns False if this worker has lost the run, or if the run's row is locked.
        """
        return renew(self._row.pk, self._row.epoch, self.working, self.reached_at)

    @property
    def reached_at(self) -> datetime:
        """The time when the code last began a step or stored an event."""
        reached, working = datetime.fromtimestamp(self._reached + self._ahead, UTC), self.working
        return max(reached, working.since) if working else reached

    def look_around(self) -> None:
        """Check if the run is to stop, and if other runs need this worker; called once a second."""
        asked = ("status", "epoch", "cancel_requested_at", "pause_requested_at")
        for status, epoch, to_end, to_pause in Run.objects.filter(pk=self._row.pk).values_list(
            *asked
        ):
            self.is_cancelled, self.is_paused = to_end is not None, to_pause is not None
            # The row is read without a lock, because this only hurries the worker. The fence keeps
            # a worker that has lost its run from writing.
            self.is_taken = status != RunStatus.RUNNING or epoch != self._row.epoch
        has_had_its_turn = time.monotonic() - self.since >= conf.RUN_TURN_SECONDS
        self.is_wanted_elsewhere = has_had_its_turn and Run.objects.queued().exists()

"""The engine's journal in memory, as the worker that holds a run uses it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import Fenced, StorageLost
from procedures.engine.journal.events import Batch, Event, Piece, Working
from procedures.engine.lifecycle import runs as rules
from procedures.engine.lifecycle.commit import check_batch, take_effect
from procedures.engine.lifecycle.deliveries import refusal
from procedures.engine.lifecycle.inbox import unread_messages, unread_signals
from procedures.engine.memory import MemoryRun

if TYPE_CHECKING:
    from procedures.testing.memory import MemoryStore


class Connectionless:
    """A stand-in for the check of database connections after a turn, which memory doesn't need."""

    def put_away(self) -> str:
        return ""


class MemoryJournal:
    """A run's journal in memory, for the worker that holds the run."""

    def __init__(self, store: "MemoryStore", row: MemoryRun) -> None:
        self._store, self.row = store, row
        self.working: Working | None = None
        self.is_wanted_elsewhere = False
        self.take_hold()

    def take_hold(self) -> None:
        """Read the run's state again after a claim, and continue the journal at its present end."""
        row, store = self.row, self._store
        self._epoch, self._seq = row.epoch, len(row.events)
        self.run = replace(
            row.facts,
            claims=row.claims,
            began_at=row.events[0].at,
            limits=store.limits,
            sizes=store.sizes,
            is_left_without_storage=row.is_left_without_storage,
        )
        operation = rules.told_to_cancel(store, row) if row.cancel_requested_at else None
        self.cancellation: Mapping[str, Any] | None = operation

    @property
    def is_cancelled(self) -> bool:
        return self.row.cancel_requested_at is not None

    @property
    def is_paused(self) -> bool:
        return self.row.pause_requested_at is not None

    @property
    def parent_id(self) -> str | None:
        return self.row.parent_wait.run_id if self.row.parent_wait else None

    @property
    def is_stopping(self) -> bool:
        return self._store.is_stopping

    def spend_process(self, why: str) -> None:
        self._store.spent_by = self._store.spent_by or why

    def was_told_since(self, _moment: datetime) -> bool:
        return self._store.is_stopping

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        return StorageLost(str(error)) if isinstance(error, self._store.faults) else None

    def connection_states(self) -> Connectionless:
        return Connectionless()

    def now(self) -> datetime:
        return self._store.now

    def pause(self, seconds: float) -> None:
        self._store.clock += timedelta(seconds=seconds)

    def load(self) -> list[Event]:
        return self._store.events(self.row)

    def new_id(self) -> str:
        return self._store.new_id()

    def status_of(self, run_id: str) -> str:
        run = self._store.runs.get(run_id)
        return str(run.status if run else rules.FIRST)

    def unread_messages(self) -> list[dict[str, Any]]:
        return unread_messages(self._store, self.row)

    def unread_signals(self, name: str) -> list[dict[str, Any]]:
        return unread_signals(self._store, self.row, name)

    def refusal(self, run_id: str) -> str:
        return refusal(self._store, self.row, run_id)

    @contextmanager
    def transaction(self) -> Iterator[float | None]:
        yield None

    def forgive_claim(self) -> None:
        self.row.claims = max(self.row.claims - 1, 0)
        self.row.is_left_without_storage = True

    def note_storage(self) -> None:
        self.row.is_left_without_storage = False

    def show(self, piece: Piece) -> None:
        self._store.shown.append((self.run.run_id, self._epoch, piece))

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        if is_stuck():
            self.commit(batch)

    def commit(self, batch: Batch) -> list[Event]:
        # These are the three conditions of the fence in SQL: the epoch, the head's number, and a
        # claim that hasn't been released.
        if not (self.is_current() and self.follows() and self.row.leased_until):
            raise Fenced(self.run.run_id)
        is_undone = self.cancellation is not None
        checked = check_batch(self._store, self.row, batch, is_undone=is_undone)
        events = self._store.write(self.row, batch)
        self._seq += len(events)
        self.row.claims = 0 if batch.is_progress else self.row.claims
        take_effect(self._store, self.row, events, batch, checked)
        return events

    def is_current(self) -> bool:
        """Return True if no other worker has claimed the run since this one did."""
        return self.row.epoch == self._epoch

    def follows(self) -> bool:
        """Return True if the journal has only events that this worker has loaded or written."""
        return len(self.row.events) == self._seq

    def renew(self) -> bool:
        """Renew the lease, even if expired; return False if another worker has claimed the run."""
        is_held = self.row.leased_until is not None and self.is_current()
        if is_held:
            self.row.leased_until = self._store.now + self._store.lease
        return is_held

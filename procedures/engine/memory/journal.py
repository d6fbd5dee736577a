"""One worker's hold on a run in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import Fenced, Overtaken, StorageLost
from procedures.engine.journal.events import (
    GOING_ON,
    OPENING,
    Batch,
    Event,
    EventKind,
    Handoff,
    RunStatus,
    Working,
)
from procedures.engine.journal.seals import proven
from procedures.engine.memory.deliveries import refusal
from procedures.engine.memory.rows import KEY, SUSPENDED, MemoryRun

if TYPE_CHECKING:
    from procedures.engine.memory.store import MemoryStore

LEASE = timedelta(seconds=15)


class Connectionless:
    """What there is to be left open in memory: nothing."""

    def put_away(self) -> str:
        return ""


class MemoryJournal:
    """One worker's hold on a run in memory."""

    def __init__(self, store: "MemoryStore", row: MemoryRun) -> None:
        self._store, self.row = store, row
        self.working: Working | None = None
        self.is_wanted_elsewhere = False
        self.take_hold()

    def take_hold(self) -> None:
        """Begin at what is kept now, for the claim that was made last."""
        row, store = self.row, self._store
        self._epoch, self._seq = row.epoch, len(row.events)
        facts = row.facts
        began_at = row.events[0].at
        self.run = replace(
            facts,
            claims=row.claims,
            began_at=began_at,
            limits=store.limits,
            sizes=store.sizes,
            is_left_without_storage=row.is_left_without_storage,
        )
        self.cancellation: Mapping[str, Any] | None = row.cancellation

    @property
    def is_cancelled(self) -> bool:
        return self.row.cancellation is not None

    @property
    def is_paused(self) -> bool:
        return self.row.is_to_pause

    @property
    def parent_id(self) -> str | None:
        return self.row.parent.run_id if self.row.parent else None

    @property
    def is_stopping(self) -> bool:
        return self._store.is_stopping

    def spend_process(self, why: str) -> None:
        self._store.spent_by = self._store.spent_by or why

    def was_told_since(self, _moment: datetime) -> bool:
        return self._store.is_stopping

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        return StorageLost(str(error)) if isinstance(error, self._store.faults) else None

    def standings(self) -> "Connectionless":
        return Connectionless()

    def now(self) -> datetime:
        return self._store.clock

    def pause(self, seconds: float) -> None:
        self._store.clock += timedelta(seconds=seconds)

    def load(self) -> list[Event]:
        return self.row.events[self.row.base :]

    def new_id(self) -> str:
        return self._store.new_id()

    def status_of(self, run_id: str) -> str:
        run = self._store.runs.get(run_id)
        return str(run.status if run else RunStatus.QUEUED)

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

    def abandon(self, batch: Batch) -> None:
        self.commit(batch)

    def commit(self, batch: Batch) -> list[Event]:
        if not (self.is_current() and self.follows() and self.row.status == RunStatus.RUNNING):
            raise Fenced(self.run.run_id)
        closed = [draft.key for draft in batch.events if draft.kind == EventKind.WAIT_CLOSED]
        opened = [draft.key for draft in batch.events if draft.kind in OPENING]
        is_late = any(key not in self.row.waits and key not in opened for key in closed)
        is_going_on = any(draft.kind in GOING_ON for draft in batch.events)
        is_end = batch.handoff is not None and batch.handoff.status.is_end
        is_told_more = any(one.kind == EventKind.OPERATOR for one in self.row.inputs)
        if is_late or (is_going_on and self.is_to_stop_since()) or (is_end and is_told_more):
            raise Overtaken(self.run.run_id)
        drafts = proven(batch, run_id=self.run.run_id, key=KEY)
        events = self._store.append(self.row, *drafts)
        self._seq += len(events)
        for event in events:
            self._store.take_effect(self.row, event, is_decided=event.key in closed)
        self.row.files.update({file.name: file.digest for file in batch.files})
        if batch.is_progress:
            self.row.claims = 0
        if batch.handoff:
            self._hand_off(batch.handoff)
        return events

    def is_current(self) -> bool:
        """Whether nobody has claimed the run since."""
        return self.row.epoch == self._epoch

    def follows(self) -> bool:
        """Whether nothing stands where the next event is to stand."""
        return len(self.row.events) == self._seq

    def is_to_stop_since(self) -> bool:
        """Whether somebody asked the run to end, or to pause, after it was claimed."""
        is_to_end = self.row.cancellation is not None and self.cancellation is None
        return is_to_end or self.row.is_to_pause

    def renew(self) -> bool:
        """Hold the run for another lease, also when one has passed; False when it is lost."""
        is_held = self.row.status == RunStatus.RUNNING and self.is_current()
        if is_held:
            self.row.leased_until = self._store.clock + LEASE
        return is_held

    def _hand_off(self, handoff: Handoff) -> None:
        run = self.row
        run.is_left_without_storage = False
        run.status, run.wake_at, run.ends_at = handoff.status, handoff.wake_at, handoff.ends_at
        run.result, run.error, run.leased_until = handoff.result, handoff.error, None
        is_called = run.status in SUSPENDED and run.inputs
        is_to_stop = not run.status.is_end and self.is_to_stop_since()
        if is_called or is_to_stop or run.status == RunStatus.QUEUED:
            self._store.queue(run)
        if run.status.is_end:
            self._store.end(run)

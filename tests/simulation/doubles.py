"""The storage as the simulated processes reach it: over a network, and cut at every call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import Fenced, Overtaken, StorageLost
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, RunStatus
from procedures.engine.lifecycle.runs import queue
from procedures.engine.memory import MemoryRun
from procedures.testing.files import MemoryFiles
from procedures.testing.journal import MemoryJournal
from procedures.testing.memory import MemoryStore
from tests.simulation.strands import Order

if TYPE_CHECKING:
    from tests.simulation.world import Hold, World

TRIES = 3
"""The number of times that a worker sends a message without a reply."""


class Shelf(MemoryFiles):
    """Takes what is short for large."""

    largest_inline = 60


class Store(MemoryStore):
    """Notes which runs are to be told of after the commit."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self.files = Shelf()
        self.world = world
        self.outbox: list[str] = []
        self._ids = 0

    def new_id(self) -> str:
        self._ids += 1
        return f"n{self._ids}"

    def call_workers(self, run: MemoryRun) -> None:
        self.outbox.append(run.pk)

    def release(self, run: MemoryRun) -> None:
        if run.status == RunStatus.QUEUED:
            self.outbox.append(run.pk)

    def take_outbox(self) -> list[str]:
        rings, self.outbox = self.outbox, []
        return rings

    def journal_of(self, run: MemoryRun) -> "Wire":
        return self.world.parts.journal(self, run, self.world.held(run.facts.run_id))

    def reclaim(self, run: MemoryRun) -> None:
        """Do the sweep's work on a run whose worker is gone."""
        if run.status == RunStatus.RUNNING and self.lock_claimable(run.pk):
            queue(self, run)


class Wire(MemoryJournal):
    """A worker's journal: what it sends may be lost, late, or unheard of."""

    def __init__(self, store: Store, row: MemoryRun, hold: "Hold") -> None:
        super().__init__(store, row)
        self.store, self.world, self.hold = store, store.world, hold
        self.is_wanted_elsewhere = self.world.chance(0.03)
        self.arrived: list[Event] = []
        self.rings: list[str] = []
        self.rows: list[str] | None = None
        """The row that the step has written inside its transaction; None outside of one."""

    def load(self) -> list[Event]:
        self.world.cut("reads the journal")
        return super().load()

    def unread_messages(self) -> list[dict[str, Any]]:
        self.world.cut("reads its messages")
        return super().unread_messages()

    def unread_signals(self, name: str) -> list[dict[str, Any]]:
        self.world.cut("reads its signals")
        return super().unread_signals(name)

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.world.cut("waits in place")

    @contextmanager
    def transaction(self) -> Iterator[float | None]:
        """Keep what is written inside for the commit inside."""
        self.rows = []
        try:
            yield None
        finally:
            self.rows = None

    def write(self, row: str) -> None:
        """A row of a table beside the journal, inside a transaction."""
        assert self.rows is not None
        self.rows.append(row)

    def forgive_claim(self) -> None:
        if self.world.cut("takes its claim back") in (Order.GO, Order.UNHEARD):
            super().forgive_claim()

    def commit(self, batch: Batch) -> list[Event]:
        """Send it until it is known to be kept, as the journal over the database does.

        A transaction is lost with what the step wrote in it: it is not sent again.
        """
        what = ", ".join(f"{draft.kind} {draft.key}".strip() for draft in batch.events)
        sent: list[Wire] = []
        for _ in range(TRIES if self.rows is None else 1):
            order = self.world.cut(f"commits {what}")
            sent.append(copy(self))
            if order == Order.LATE:
                self.world.in_flight.append((sent[-1], batch))
            elif order != Order.LOST:
                sent[-1].arrive(batch)
            if order != Order.GO:
                self.world.cut("reads back")
            if heard := next((one for one in sent if one.arrived), None):
                return self._heard(heard)
        raise StorageLost(self.run.run_id)

    def arrive(self, batch: Batch) -> None:
        """The statement reaches the storage."""
        try:
            self.arrived = super().commit(batch)
        except Fenced:
            self.world.refused += 1
            raise
        self.rings = self.store.take_outbox()
        self.world.excused.update(self.rings)  # until the worker learns that it is kept
        self.world.outside.rows += self.rows or ()
        self.world.wrote(self.hold, batch)

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        """End the process, from the watchdog's thread."""
        if not is_stuck():
            return
        statement = copy(self)
        statement.rows = None
        arrive_late(statement, batch)

    def _heard(self, statement: "Wire") -> list[Event]:
        self._seq += len(statement.arrived)
        self.world.send(statement.rings)
        return statement.arrived


def arrive_late(statement: Wire, batch: Batch) -> None:
    """Nobody listens any more to what the storage says."""
    with suppress(Fenced, Overtaken):
        statement.arrive(batch)


def transact(world: "World", _run_id: str, act: Callable[[], Any]) -> Any:
    """Commit, and then send word of it."""
    result = act()
    world.post()
    return result


@dataclass(frozen=True)
class Parts:
    """The parts of a world: a planted fault replaces one of them."""

    store: type[Store] = Store
    journal: type[Wire] = Wire
    advance: Callable[..., Any] = advance
    transact: Callable[["World", str, Callable[[], Any]], Any] = transact

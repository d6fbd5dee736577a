"""Several workers, people and a clock around one storage, and what may befall them."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from procedures.engine.errors import AnswerError, Fenced, StorageLost
from procedures.engine.journal.events import Batch, RunStatus, closing
from procedures.engine.lifecycle import operations, retry
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.lifecycle.runs import has_to_undo
from procedures.engine.lifecycle.waits import is_undecided
from procedures.engine.memory import LEASE, MemoryRun, MemoryWait
from procedures.engine.replay.history import UNDO
from procedures.engine.replay.timeouts import TimeIsUp
from procedures.engine.values.files import use_file_store
from tests.simulation.doubles import Parts, Wire
from tests.simulation.holding import check_holds, outcome_of, settle_all
from tests.simulation.outside import Outside
from tests.simulation.plays import NOTED, PLAYS, UNASKED
from tests.simulation.strands import Crash, Order, Strand
from tests.simulation.watches import Watch
from tests.simulation.witness import BrokenError, Witness

BEAT = timedelta(seconds=5)
Page = tuple[str, str, MemoryWait]
"""An open question as somebody sees it: its run, its key and its opening."""


@dataclass
class Hold:
    """One worker's hold on a run, as the world knows it without asking the storage."""

    run_id: str
    until: datetime
    is_over: bool = False


@dataclass
class Worker:
    strand: Strand
    in_hand: str = ""
    """The message it has taken and not acted on."""
    journal: Wire | None = None
    skew: timedelta = timedelta(0)
    """The lead of its own clock over the storage's."""


class World:
    """Everything there is in one simulation; nothing happens in it but by its schedule."""

    def __init__(self, seed: int, parts: Parts) -> None:
        self.parts, self.random = parts, Random(seed)  # noqa: S311 (no secret)
        self.store = parts.store(self)
        self.workers = [Worker(Strand(f"worker {number}")) for number in (1, 2, 3)]
        self.people = [Strand("alice"), Strand("bob")]
        self.clock = Strand("clock")
        self.bus: list[str] = []
        self.in_transit: list[str] = []
        self.excused: set[str] = set()
        """Runs that wait for the sweep, because word of them was lost."""
        self.in_flight: list[tuple[Wire, Batch]] = []
        self.holds: dict[str, Hold] = {}
        self.witnesses: dict[str, Witness] = {}
        self.pages: list[Page] = []
        self.outside = Outside(self)
        self.watches: list[Watch] = []
        self.retried: set[str] = set()
        """Runs that an operator let go on, also those whose parent is gone."""
        self.overridden: set[str] = set()
        """Runs that an operator let go on with other code."""
        self.refused = 0
        """Statements of workers that do not hold their run any more."""
        self.counts = Counter[str]()
        """The damage to the processes, and the acts of people: see `sights`."""
        self.is_calm = False
        self.broken: BrokenError | None = None
        self.now_on: Strand | None = None

    def chance(self, share: float) -> bool:
        return not self.is_calm and self.random.random() < share

    def blame(self, invariant: str, words: str) -> None:
        """Note what broke; the schedule stops when it has the baton again."""
        self.broken = self.broken or BrokenError(invariant, words)

    # Strands

    @property
    def strands(self) -> list[Strand]:
        return [*(worker.strand for worker in self.workers), *self.people, self.clock]

    def resume(self, strand: Strand, order: Order) -> None:
        self.now_on = strand
        try:
            strand.go_on(order)
        except BrokenError:
            raise
        except BaseException as error:
            raise BrokenError("nothing escapes a process", f"{strand.name}: {error!r}") from error
        finally:
            self.now_on = None
        for worker in self.workers:
            if worker.in_hand and worker.strand.is_idle:  # the message is gone with the process
                self.excused.add(worker.in_hand)
                worker.in_hand = ""

    def cut(self, at: str) -> Order:
        """Stand still there; a step whose time is up goes on with its alarm."""
        if self.now_on is None:
            return Order.GO
        order = self.now_on.cut(at)
        for watch in self.watches:
            if watch.strand is self.now_on and watch.rings():
                self.counts["timed out"] += 1
                raise TimeIsUp
        return order

    def end(self) -> None:
        for strand in self.strands:
            if not strand.is_idle:
                self.resume(strand, Order.CRASH)
            strand.end()

    # Workers

    def take_up(self, worker: Worker, run_id: str) -> None:
        worker.in_hand = run_id
        worker.strand.begin(f"takes up {run_id}", lambda: self._work(worker, run_id))

    def _work(self, worker: Worker, run_id: str) -> None:
        try:
            worker.journal = self.store.claim(run_id)  # type: ignore[assignment]
            worker.in_hand = ""
            self.post()
            if worker.journal:
                self.cut("has claimed")
                self._carry_on(worker.journal)
        finally:
            worker.journal = None

    def _carry_on(self, journal: Wire) -> None:
        versions = PLAYS[journal.row.procedure.name].code
        with suppress(Fenced, StorageLost):
            self.parts.advance(self.random.choice(versions), journal, self.store.files)

    def held(self, run_id: str) -> Hold:
        """A worker has claimed a run."""
        before, now = self.holds.get(run_id), self.store.clock
        if before and not before.is_over and before.until > now:
            self.blame("one worker holds a run", f"{run_id} is claimed while another holds it")
        hold = self.holds[run_id] = Hold(run_id, now + LEASE)
        return hold

    def wrote(self, hold: Hold, batch: Batch) -> None:
        """A statement of that hold was kept."""
        if self.holds[hold.run_id] is not hold or hold.is_over:
            self.blame("a zombie writes nothing", f"in {hold.run_id}")
        hold.is_over = hold.is_over or batch.handoff is not None

    @property
    def skew(self) -> timedelta:
        """The lead of the clock of whoever acts now over the storage's."""
        known = (worker.skew for worker in self.workers if worker.strand is self.now_on)
        return next(known, timedelta(0))

    def journal_of(self, strand: Strand | None) -> Wire | None:
        return next((one.journal for one in self.workers if one.strand is strand), None)

    # Messages

    def post(self) -> None:
        """Send word of what was just committed."""
        self.send(self.store.take_outbox())

    def send(self, rings: list[str]) -> None:
        if not rings:
            return
        self.excused.difference_update(rings)
        self.in_transit += rings
        try:
            order = self.cut(f"sends word of {', '.join(rings)}")
        except Crash:
            order = Order.LOST
            raise
        finally:
            for run_id in rings:
                self.in_transit.remove(run_id)
            if order == Order.LOST:
                self.excused.update(rings)
            else:
                self.bus += rings

    # People and time

    def start(self, name: str) -> None:
        play = PLAYS[name]
        self.parts.transact(self, "", lambda: self.store.start(play.code[0], play.inputs))

    def answer(self, page: Page, value: Any) -> None:
        """Somebody answers what they saw a while ago."""
        run_id, key, wait = page
        content = closing(outcome_of(value), value, responder="bob")

        def respond() -> None:
            if self.store.runs[run_id].waits.get(key) is wait and is_undecided(wait):
                self.witnesses[run_id].awaited.append((key, content))
                self.store.resolve(run_id, key, content)

        self.parts.transact(self, run_id, respond)

    def signal(self, run_id: str, name: str, number: int) -> None:
        def send() -> None:
            run = self.store.runs[run_id]
            if not run.status.is_end:
                try:
                    is_new = self.store.signal(run_id, name, number, id=str(number), by="carol")
                except AnswerError:  # refused at the door
                    self.counts["refused signals"] += 1
                    return
                self.witnesses[run_id].sent |= {number} if is_new else set()
                is_kept = is_new and any(
                    one.wait is None and not one.skipped and one.value == str(number)
                    for one in run.all_signals
                )
                self.counts["early signals"] += is_kept
                self.counts["signals again"] += not is_new

        self.parts.transact(self, run_id, send)

    def cancel(self, run_id: str) -> None:
        run = self.store.runs[run_id]

        def stop() -> None:
            if run.status.is_end or run.cancel_requested_at:
                return
            operations.cancel(self.store, run, said("cancel", "Enough."))
            if left := [key for key in run.waits if not key.startswith(UNDO)]:
                self.blame("a cancel closes what is asked", ", ".join(left))

        self.parts.transact(self, run_id, stop)

    def force_end(self, run_id: str) -> None:
        run = self.store.runs[run_id]

        def stop() -> None:
            if not run.status.is_end:
                operations.force_end(
                    self.store, run, said("force_end", "At once.") | {"forced": True}
                )

        self.parts.transact(self, run_id, stop)

    def pause(self, run_id: str) -> None:
        run = self.store.runs[run_id]

        def rest() -> None:
            is_over = run.status.is_end or run.status == RunStatus.QUARANTINED
            if not (is_over or run.cancel_requested_at or run.pause_requested_at):
                operations.pause(self.store, run, said("pause", "Wait."))

        self.parts.transact(self, run_id, rest)

    def unpause(self, run_id: str) -> None:
        run = self.store.runs[run_id]

        def go_on() -> None:
            if run.pause_requested_at:
                operations.unpause(self.store, run, said("unpause", "Now."))

        self.parts.transact(self, run_id, go_on)

    def retry(self, run_id: str) -> None:
        run = self.store.runs[run_id]

        def mend() -> None:
            is_undone = any(event.key.startswith(UNDO) for event in run.events[run.base_seq :])
            is_failed = run.status == RunStatus.FAILED and not is_undone
            if is_failed or run.status == RunStatus.QUARANTINED:
                with suppress(OperationRefusedError):  # it needs a child that is still to end
                    retry.retry(self.store, run_id, said("retry", "Mended."))
                    self.retried.add(run_id)

        self.parts.transact(self, run_id, mend)

    def override(self, run_id: str) -> None:
        run = self.store.runs[run_id]

        def accept() -> None:
            error = run.error or {}
            if run.status == RunStatus.QUARANTINED and error.get("type") == "Mismatch":
                self.overridden.add(run_id)
                retry.override(self.store, run, said("override", "So it is."))

        self.parts.transact(self, run_id, accept)

    def sweep(self) -> None:
        """Do the clock's work of each second, one transaction a row."""
        settle_all(self)
        for run_id, key, wait in self.store.due():
            self.cut(f"expires {key} of {run_id}")
            self.parts.transact(self, run_id, lambda: self.store.expire(run_id, key, wait))  # noqa: B023
        for run in list(self.store.runs.values()):
            self._sweep_run(run)

    def _sweep_run(self, run: MemoryRun) -> None:
        run_id = run.facts.run_id
        if run.wake_at and run.wake_at <= self.store.clock:
            self.cut(f"wakes {run_id}")
            self.parts.transact(self, run_id, lambda: self.store.wake(run))
        if run.status == RunStatus.RUNNING and self.store.lock_claimable(run_id):
            self.cut(f"takes back {run_id}")
            self.parts.transact(self, run_id, lambda: self.store.reclaim(run))
        if run.status == RunStatus.QUEUED and run_id in self.excused:
            self.bus.append(run_id)
            self.excused.discard(run_id)

    def pass_time(self, length: timedelta) -> None:
        """The storage's clock goes on, and every worker that can keeps its lease."""
        while length > timedelta(0):
            step = min(length, BEAT)
            self.store.clock += step
            length -= step
            for watch in [one for one in self.watches if one.is_over]:
                self._give_up(watch)
            for worker in self.workers:
                journal = worker.journal
                if not journal or worker.strand.is_stalled or self.chance(0.05):
                    continue
                if journal.renew():
                    journal.hold.until = self.store.clock + LEASE

    def _give_up(self, watch: Watch) -> None:
        """The watchdog's thread: it notes that the step has failed, and ends its process."""
        watch.cancel()
        self.counts["given up"] += 1
        watch.act()
        self.resume(watch.strand, Order.CRASH)

    # What is seen

    def look(self) -> None:
        """Raises `BrokenError` when something is to be seen that may never be."""
        if self.broken:
            raise self.broken
        with use_file_store(self.store.files):
            self._look_at_runs()
        noted = [key for one in self.witnesses.values() for key in one.committed if is_noted(key)]
        if sorted(noted) != sorted(self.outside.rows):
            words = f"steps {sorted(noted)}, rows {sorted(self.outside.rows)}"
            raise BrokenError("a transaction is kept whole", words)

    def _look_at_runs(self) -> None:
        for run_id, run in list(self.store.runs.items()):
            witness = self.witnesses.get(run_id)
            if witness is None:
                witness = self.witnesses[run_id] = Witness(run_id, run.facts.inputs)
            witness.look(run)
            check_holds(run)
            if UNASKED in witness.asked:
                raise BrokenError("a wrong question opens nothing", run_id)
            if run.cancel_requested_at and not has_to_undo(self.store, run) and run.waits:
                raise BrokenError("a cancelled run asks nothing more", ", ".join(run.waits))
            above = run.parent_wait and run.parent_wait.run
            is_over = above and above.status == RunStatus.CANCELLED and run_id not in self.retried
            if is_over and not _is_to_end(run):
                raise BrokenError("a cancel ends the whole tree", run_id)
            if run.status == RunStatus.QUEUED and not self._is_told(run_id):
                raise BrokenError("word follows what it tells of", f"nobody hears of {run_id}")

    def _is_told(self, run_id: str) -> bool:
        in_hand = [worker.in_hand for worker in self.workers]
        return any(run_id in heap for heap in (self.bus, self.in_transit, self.excused, in_hand))

    def open_pages(self) -> list[Page]:
        return [
            (run_id, key, wait)
            for run_id, run in self.store.runs.items()
            for key, wait in run.waits.items()
            if wait["wait"] == "request"
        ]


def said(action: str, reason: str) -> dict[str, Any]:
    """The content of an act of dave, with its reason."""
    return {"action": action, "by": "dave", "reason": reason}


def is_noted(key: str) -> bool:
    """Return True if the step of that idempotency key writes a row."""
    return key.endswith(f":{NOTED}")


def _is_to_end(run: MemoryRun) -> bool:
    return run.status.is_end or run.cancel_requested_at is not None

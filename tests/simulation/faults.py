"""Faults to be found, each one mechanism of the storage or the engine left out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import CommitRefused, Overtaken
from procedures.engine.execute import Execution
from procedures.engine.journal.events import (
    Batch,
    Event,
    EventKind,
    NewEvent,
    RunStatus,
)
from procedures.engine.journal.payloads import Opening
from procedures.engine.journal.protocol import Journal
from procedures.engine.lifecycle.holds import hold_answer
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.lifecycle.quarantine import quarantined
from procedures.engine.lifecycle.runs import queue
from procedures.engine.memory import MemoryInput, MemoryRun, MemorySignal, MemoryWait
from procedures.engine.replay.history import UNDO
from procedures.engine.replay.recorder import Recorder
from procedures.engine.values import canonical
from procedures.engine.values.files import FileStore, use_file_store
from tests.simulation.doubles import Parts, Store, Wire
from tests.simulation.world import World


class EpochUnchecked(Wire):
    """A worker that lost its hold still writes."""

    def is_current(self) -> bool:
        return True


class NumbersNotUnique(Wire):
    """A statement that comes twice is kept twice."""

    def follows(self) -> bool:
        return True


def send_before_commit(world: World, run_id: str, act: Callable[[], Any]) -> Any:
    """Word is sent of what is not committed yet."""
    if not run_id:
        result = act()
        world.post()
        return result
    world.bus.append(run_id)
    world.cut("commits")
    result = act()
    others = [ring for ring in world.store.take_outbox() if ring != run_id]
    world.send(others)
    return result


class InputsStay(Store):
    """An event from outside is written to the journal, and not noted as taken."""

    def take_inputs(
        self, run: MemoryRun, some: Sequence[MemoryInput], drafts: Sequence[NewEvent]
    ) -> None:
        super().take_inputs(run, some, drafts)
        run.inputs += some


class LocalLease(Store):
    """The worker's own clock decides if a lease has expired."""

    def lock_claimable(self, run_id: str) -> MemoryRun | None:
        skew = self.world.skew
        self.clock += skew
        try:
            return super().lock_claimable(run_id)
        finally:
            self.clock -= skew


class LosersStay(Store):
    """A decided set leaves open what it no longer needs."""

    def waits(
        self, run: MemoryRun, *, is_open: bool | None = None, most: int = 0, **cells: Any
    ) -> list[MemoryWait]:
        found = super().waits(run, is_open=is_open, most=most, **cells)
        return [] if is_open and "part_of" in cells else found


class _Like(str):
    """A digest that is taken for any other."""

    __hash__ = str.__hash__

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False


class _Undigested(Event):
    @property
    def content(self) -> dict[str, Any]:
        content = super().content
        return {**content, "digest": _Like()} if "digest" in content else content


class DigestsIgnored(Wire):
    """An answer serves whatever is asked under its key."""

    def load(self) -> list[Event]:
        return [_Undigested(*event) for event in super().load()]


class _Unflushed(Recorder):
    def flush(self) -> None:
        return


def advance_unflushed(procedure: Procedure, journal: Journal, files: FileStore) -> RunStatus:
    """The engine's own `advance`, except that effects begin before what they use is kept.

    A run that somebody outside was faster with is left to the lease.
    """
    with use_file_store(files):
        recorder = _Unflushed(journal, journal.load())
        handoff, drafts = Execution(procedure, recorder).ending()
        try:
            recorder.finish(handoff, *drafts)
        except CommitRefused as refusal:
            handoff, drafts = quarantined(refusal)
            journal.commit(Batch(drafts, handoff=handoff))
        except Overtaken:
            return RunStatus.RUNNING
    return handoff.status


class ExpiresAnyway(Store):
    """A wait that was found due is closed, whatever became of it meanwhile."""

    def expire(self, run_id: str, key: str, wait: MemoryWait) -> bool:
        run = self.runs[run_id]
        if run.waits.get(key) is wait:
            return super().expire(run_id, key, wait)
        if not run.status.is_end:
            told = Opening.read(wait).silence().as_json()
            self.put_input(run_id, NewEvent(EventKind.WAIT_CLOSED, key, key, told))
            queue(self, run) if run.status == RunStatus.WAITING else None
        return True


class CancelForgets(Store):
    """A cancel leaves the run's questions open."""

    def waits(
        self, run: MemoryRun, *, is_open: bool | None = None, most: int = 0, **cells: Any
    ) -> list[MemoryWait]:
        is_forgotten = is_open and run.cancel_requested_at and not cells
        return [] if is_forgotten else super().waits(run, is_open=is_open, most=most, **cells)


class UndoForgets(Store):
    """Waits that an undone answer made unneeded stay so."""

    def undo_answer(self, run_id: str, key: str) -> bool:
        waits = self.runs[run_id].waits
        unneeded = [wait for wait in waits.values() if wait.held_for is not None]
        is_undone = super().undo_answer(run_id, key)
        for wait in unneeded:
            wait.held_for = waits.get(key)
        return is_undone


class UndoKeeps(Store):
    """An answer that was undone is held on."""

    def undo_answer(self, run_id: str, key: str) -> bool:
        wait = self.runs[run_id].waits[key]
        content, until = canonical.plain(wait.held or "{}"), wait.effective_at
        is_undone = super().undo_answer(run_id, key)
        if is_undone and until and self.runs[run_id].waits.get(key) is wait:
            hold_answer(self, self.runs[run_id], wait, content, until=until)
        return is_undone


class DeadlinePasses(Store):
    """A deadline passes although somebody has answered and can still undo it."""

    def due(self) -> list[tuple[str, str, MemoryWait]]:
        waits = [wait for run in self.runs.values() for wait in run.waits.values()]
        due = [wait for wait in waits if wait.due_at and wait.due_at <= self.now]
        return [(wait.run_id, wait.key, wait) for wait in due]

    def expire(self, run_id: str, key: str, wait: MemoryWait) -> bool:
        wait.held, wait.effective_at = "", None
        return super().expire(run_id, key, wait)


class UndoingForgets(Wire):
    """An act that is undone already is not remembered."""

    def load(self) -> list[Event]:
        return [event for event in super().load() if not event.key.startswith(UNDO)]


class SignalIdsForgotten(Store):
    """A signal that comes again is another one."""

    def signals(self, run: MemoryRun, **cells: Any) -> list[MemorySignal]:
        return [] if "signal_id" in cells else super().signals(run, **cells)


class MessagesUnmarked(Store):
    """Messages that a run has read are not marked."""

    def save(self, row: Any, *names: str) -> None:
        if names == ("read_seq",):
            row.read_seq = None
        super().save(row, *names)


class MessagesMarkedAtOnce(Wire):
    """Messages are marked when they are read, not with what was done after it."""

    def unread_messages(self) -> list[dict[str, Any]]:
        found = super().unread_messages()
        for signal in self.store.signals(self.row, name=MESSAGE, read_seq=None):
            signal.read_seq = len(self.row.events)
        return found


class NewsOverlooked(Store):
    """A run that is let go of to wait does not see what came while it was worked on."""

    def is_called(self, _run: MemoryRun) -> bool:
        return False


class RowsAlone(Wire):
    """The rows that a step writes in its transaction are committed before its result."""

    def write(self, row: str) -> None:
        self.world.outside.rows.append(row)


class StartsForgotten(Wire):
    """A step that is to happen once, and that a crash cut off, is done again."""

    def load(self) -> list[Event]:
        return [event for event in super().load() if event.kind != EventKind.STEP_STARTED]


FAULTS: Mapping[str, Parts] = {
    "epoch check off": Parts(journal=EpochUnchecked),
    "unique index off": Parts(journal=NumbersNotUnique),
    "publish before commit": Parts(transact=send_before_commit),
    "input taken twice": Parts(store=InputsStay),
    "lease by the local clock": Parts(store=LocalLease),
    "loser kept": Parts(store=LosersStay),
    "digest ignored": Parts(journal=DigestsIgnored),
    "unflushed pure result before an effect": Parts(advance=advance_unflushed),
    "expiry without compare-and-set": Parts(store=ExpiresAnyway),
    "cancel that forgets open requests": Parts(store=CancelForgets),
    "undo that leaves others unneeded": Parts(store=UndoForgets),
    "undo that keeps the answer": Parts(store=UndoKeeps),
    "deadline that passes a held answer": Parts(store=DeadlinePasses),
    "compensation run twice": Parts(journal=UndoingForgets),
    "signal id counted twice": Parts(store=SignalIdsForgotten),
    "message not marked as read": Parts(store=MessagesUnmarked),
    "message marked before its commit": Parts(journal=MessagesMarkedAtOnce),
    "wake-up lost after a suspend": Parts(store=NewsOverlooked),
    "transaction in two commits": Parts(journal=RowsAlone),
    "doubtful step repeated unasked": Parts(journal=StartsForgotten),
}

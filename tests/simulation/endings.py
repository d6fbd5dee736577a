"""Rules for the time when the faults have stopped, and when every run has ended."""

from typing import Any

from procedures.engine.errors import Interruption
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, EventKind, RunStatus
from procedures.engine.journal.large import whole
from procedures.engine.lifecycle.runs import has_to_undo
from procedures.engine.memory import MemoryRun
from procedures.engine.replay.history import SOFT, STRICT
from procedures.engine.values import canonical
from procedures.engine.values.files import FileStore, use_file_store
from procedures.testing.journal import MemoryJournal
from procedures.testing.memory import MemoryStore
from tests.simulation.ledger import writing_to
from tests.simulation.plays import PLAYS
from tests.simulation.witness import BrokenError, Witness
from tests.simulation.world import World

ASLEEP = (RunStatus.WAITING, RunStatus.RETRYING)


def check_rest(world: World) -> None:
    """Without people every run has ended, waits for them or for time, or is an operator's."""
    for run_id, run in world.store.runs.items():
        if run.status in (RunStatus.QUEUED, RunStatus.RUNNING):
            raise BrokenError("every run goes on", f"{run_id} is {run.status}")
        if run.status == RunStatus.WAITING and not (run.waits or run.wake_at):
            raise BrokenError("every run goes on", f"{run_id} waits for nothing")
        if run.status == RunStatus.WAITING and run.wake_at is None:
            _check_branches(world.witnesses[run_id])


def _check_branches(witness: Witness) -> None:
    """Check that a request of one branch doesn't block the other."""
    done = {*witness.kept.results, *witness.kept.failed}
    if "gather/downstairs/sleep" in witness.kept.closed and "gather/downstairs/go" not in done:
        raise BrokenError("a question in a branch blocks only that", witness.run_id)


def check_quarantine(run: MemoryRun) -> None:
    """Only changed code and a run that killed its workers are an operator's."""
    error = run.error or {}
    is_poison = "consecutive workers failed" in error.get("message", "")
    is_changed = run.procedure.name == "changing" and error.get("type") == "Mismatch"
    if not (is_poison or is_changed):
        raise BrokenError("only unfit code is held", f"{run.facts.run_id}: {error}")


def check(world: World) -> None:
    for run_id, run in world.store.runs.items():
        witness = world.witnesses[run_id]
        with use_file_store(world.store.files):
            _check_model(run, witness)
        _check_undone(run, witness)
        _check_files(run, witness, world.store.files)
        _check_replay(run, world.store.files)


def _check_model(run: MemoryRun, witness: Witness) -> None:
    """The run ended as its code read as plain Python would have it."""
    if run.status == RunStatus.CANCELLED:
        return
    try:
        expected: Any = PLAYS[run.procedure.name].model(witness.kept)
    except Exception as error:  # noqa: BLE001 (whatever the model misses, the run has failed for)
        if run.status != RunStatus.FAILED:
            raise BrokenError(
                "the outcome is the model's", f"{run.result}, not {error!r}"
            ) from None
        return
    if run.result is None or canonical.value_of(whole(run.result)) != expected:
        raise BrokenError("the outcome is the model's", f"{run.result}, not {expected}")


def _check_undone(run: MemoryRun, witness: Witness) -> None:
    if run.status == RunStatus.SUCCEEDED or is_forced(run):
        return
    ends = {EventKind.STEP_SUCCEEDED, EventKind.STEP_FAILED}
    done = {event.key for event in run.events[run.base_seq :] if event.kind in ends}
    if left := [name for name in witness.to_undo if f"undo/{name}" not in done]:
        raise BrokenError("what was done is undone", f"{run.facts.run_id}: {', '.join(left)}")


def is_forced(run: MemoryRun) -> bool:
    """Return True if it ended where it stood, and undid nothing."""
    return "forced" in run.events[-1].content


def _check_files(run: MemoryRun, witness: Witness, files: FileStore) -> None:
    """Check that the file of a kept step belongs to the run, and can be read."""
    for result in witness.kept.results.values():
        if isinstance(result, dict) and "digest" in result:
            kept = run.files.get(result["name"])
            is_there = kept is not None and kept.digest == result["digest"]
            if not is_there or len(files.get(result["digest"])) != result["size"]:
                raise BrokenError("a file is kept with its step", f"{run.facts.run_id}: {result}")


def _check_replay(run: MemoryRun, files: FileStore) -> None:
    """The code over the whole journal does nothing and comes to the same end."""
    if is_forced(run) or (
        run.status == RunStatus.CANCELLED and not has_to_undo(MemoryStore(), run)
    ):
        return
    journal = Replay(run)
    versions = PLAYS[run.procedure.name].code
    with writing_to(journal):
        for code in versions:
            try:
                status: RunStatus | None = advance(code, journal, files)
            except Interruption as interruption:
                raise BrokenError("replay is equal", f"{interruption!r}") from None
            if status != RunStatus.QUARANTINED:
                break
    last = journal.released
    if (last.status, last.result) != (run.status, run.result):
        words = f"{run.facts.run_id} is {run.status} {run.result}, then {last.status} {last.result}"
        raise BrokenError("replay is equal", words)


class Replay(MemoryJournal):
    """A journal that is read once more; whatever it is given beyond its end is told."""

    def __init__(self, run: MemoryRun) -> None:
        super().__init__(MemoryStore(), run)
        self._store.clock = run.events[-1].at
        self.events = list(run.events[run.base_seq :])
        if run.status != RunStatus.CANCELLED:
            self.cancellation = None  # it came too late

    @property
    def is_cancelled(self) -> bool:
        return self.cancellation is not None

    def load(self) -> list[Event]:
        return self.events

    def commit(self, batch: Batch) -> list[Event]:
        kinds = {*STRICT, *SOFT, EventKind.WAIT_CLOSED}
        if batch.handoff is None or any(draft.kind in kinds for draft in batch.events):
            raise BrokenError("replay is equal", f"it does {batch.events} anew")
        self.released = batch.handoff
        return []

    def quote(self, item: str) -> int:
        raise BrokenError("replay is equal", f"{item} is quoted again")

    def perform(self, step: Any, what: str, amount: int) -> str:
        raise BrokenError("replay is equal", f"{what} {amount} happens again in {step}")

    def write(self, step: Any) -> None:
        raise BrokenError("replay is equal", f"{step} is noted again")

    def heard(self, *_said: str) -> None:
        return

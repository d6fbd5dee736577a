"""Checks of unfinished runs: each is replayed, without effects, with the installed code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from procedures import registry
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import Fenced, Interruption, StorageLost
from procedures.engine.execute import Execution
from procedures.engine.execution.surroundings import call_turn
from procedures.engine.journal.events import (
    Batch,
    Event,
    EventKind,
    NewEvent,
    Piece,
    RunFacts,
    RunStatus,
    Working,
)
from procedures.engine.replay.recorder import Recorder
from procedures.engine.values.files import use_file_store
from procedures.files import ContentStore
from procedures.journal.leftovers import ConnectionStates
from procedures.models import Run
from procedures.models.clock import clock
from procedures.models.ids import uuid7

DIFFERENT = ("have changed since", "has changed since")
"""Words by which the engine's warnings about changed arguments or evidence are recognized."""


@dataclass(frozen=True)
class Check:
    """The result of checking one run against the installed code."""

    run: Run
    blockers: Sequence[str] = ()
    """The reasons why the run would not continue, in sentences."""
    warnings: Sequence[str] = ()
    """Differences that don't stop the run, in sentences."""

    @property
    def goes_on(self) -> bool:
        return not self.blockers


def check_runs(procedure: str = "") -> Iterator[Check]:
    """Replay every unfinished run, or those of one procedure, and yield the result for each."""
    runs = Run.objects.unended().select_related("procedure", "version").order_by("pk")
    for run in runs.filter(procedure__name=procedure) if procedure else runs:
        definition = registry.code_of(run)
        if definition is None:
            yield Check(run, blockers=["There is no installed code for the run's procedure."])
        else:
            yield _check(run, definition)


def _check(run: Run, definition: Definition) -> Check:
    rehearsal = DryRunJournal(run)
    recorder = Recorder(rehearsal, run.events.filter(seq__gt=run.base_seq).journal())
    # As if this turn had made progress while other runs wait: so the code stops before its next
    # step.
    recorder.has_moved_on = True
    problems = _problems(definition, recorder)
    return Check(run, problems, _differences([*rehearsal.noted, *recorder.unwritten]))


def _problems(definition: Definition, recorder: Recorder) -> list[str]:
    # With the journal, as in a worker: so services refuse to write here, too.
    with use_file_store(ContentStore(), recorder.journal):
        try:
            ending = Execution(definition, recorder).ending
            handoff, events = call_turn(recorder.journal, ending)
        except Interruption:  # the code has reached a place where something would be done
            return []
    return [events[-1].data["message"]] if handoff.status == RunStatus.QUARANTINED else []


def _differences(noted: Sequence[NewEvent]) -> list[str]:
    """Return the warnings that arguments or evidence aren't the same as in the journal."""
    logged = [draft.data["text"] for draft in noted if draft.kind == EventKind.LOG]
    return [text for text in logged if any(words in text for words in DIFFERENT)]


class DryRunJournal:
    """A journal that stores nothing.

    The code is replayed up to the run's current position, then stopped.
    """

    def __init__(self, row: Run) -> None:
        self.run = RunFacts(str(row.pk), row.inputs, row.seed, depth=row.depth)
        self.parent_id = str(row.parent_id) if row.parent_id else None
        self.working: Working | None = None
        self.is_cancelled = self.is_paused = self.is_stopping = False
        self.is_wanted_elsewhere = True
        self.cancellation: Mapping[str, Any] | None = None
        self.noted: list[NewEvent] = []

    def now(self) -> datetime:
        return clock.now()

    def was_told_since(self, _moment: datetime) -> bool:
        return False

    def connection_states(self) -> ConnectionStates:
        return ConnectionStates()

    def spend_process(self, why: str) -> None:
        """Do nothing: no worker advances the run here."""

    def show(self, _piece: Piece) -> None:
        """Do nothing: no step runs here."""

    def storage_fault(self, _error: BaseException) -> StorageLost | None:
        return None

    def note_storage(self) -> None:
        """Do nothing: no storage was lost here."""

    def pause(self, seconds: float) -> None:
        raise Fenced(self.run.run_id)

    def load(self) -> list[Event]:
        raise Fenced(self.run.run_id)

    def new_id(self) -> str:
        return str(uuid7())

    def status_of(self, run_id: str) -> str:
        raise Fenced(f"{self.run.run_id}: its code would read the status of run {run_id}.")

    def unread_messages(self) -> list[dict[str, Any]]:
        raise Fenced(f"{self.run.run_id}: its code would read the messages of people.")

    def unread_signals(self, name: str) -> list[dict[str, Any]]:
        raise Fenced(f"{self.run.run_id}: its code would read the signals {name}.")

    def refusal(self, run_id: str) -> str:
        raise Fenced(f"{self.run.run_id}: its signal or cancellation would reach run {run_id}.")

    def transaction(self) -> AbstractContextManager[float | None]:
        raise Fenced(self.run.run_id)

    def commit(self, batch: Batch) -> list[Event]:
        if not batch.is_progress:
            self.noted += batch.events
            return []
        # The exception is an interruption, like that for a lost run: the code can't swallow it and
        # continue with real effects.
        raise Fenced(
            f"{self.run.run_id}: {len(batch.events)} events would be written to the journal."
        )

    def forgive_claim(self) -> None:
        return

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        if is_stuck():
            self.commit(batch)

"""The in-memory twin of the journal: the same contract without a database, for tests."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from procedures.engine.choices import choice_desk
from procedures.engine.definition import Procedure
from procedures.engine.errors import Fenced
from procedures.engine.execute import advance
from procedures.engine.files import file_desk
from procedures.engine.journal import (
    Batch,
    Draft,
    Event,
    EventKind,
    Release,
    RunFacts,
    RunStatus,
    Working,
    chain,
    is_progress,
    silence,
)

LEASE = timedelta(seconds=15)
KEY = b"memory"


class MemoryFiles:
    """Contents by digest."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        return self._contents[digest]


@dataclass
class MemoryRun:
    """One run's row and journal."""

    procedure: Procedure
    facts: RunFacts
    status: RunStatus = RunStatus.QUEUED
    events: list[Event] = field(default_factory=list)
    inputs: list[Draft] = field(default_factory=list)
    waits: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The open waits: the content of their opening, by key."""
    files: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    claims: int = 0
    leased_until: datetime | None = None
    wake_at: datetime | None = None
    result: str | None = None
    error: dict[str, Any] | None = None


class MemoryStore:
    """All runs of one test, with a clock that is turned by hand."""

    def __init__(self, choices: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.choices = choices or {}
        """What a site's settings allow, by setting and name."""
        self.clock = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self.runs: dict[str, MemoryRun] = {}
        self.files = MemoryFiles()

    def start(
        self, procedure: Procedure, inputs: Mapping[str, Any] | None = None, *, by: str = "system"
    ) -> str:
        with file_desk(self.files), choice_desk(self.choices):
            text = procedure.dump(procedure.parse(inputs or {}))
        facts = RunFacts(str(uuid4()), text, seed=str(uuid4()))
        run = self.runs[facts.run_id] = MemoryRun(procedure, facts)
        self.append(run, Draft(EventKind.RUN_STARTED, data={"by": by}))
        return facts.run_id

    def claim(self, run_id: str) -> "MemoryJournal | None":
        """The run's journal for one worker; None when there is nothing to do or it is held."""
        run = self.runs[run_id]
        is_lost = run.status == RunStatus.RUNNING and self.clock >= (run.leased_until or self.clock)
        if run.status != RunStatus.QUEUED and not is_lost:
            return None
        run.status, run.leased_until = RunStatus.RUNNING, self.clock + LEASE
        run.epoch, run.claims = run.epoch + 1, run.claims + 1
        if run.inputs:
            self.append(run, *run.inputs, Draft(EventKind.RUN_RESUMED))
            run.inputs.clear()
            run.claims = 1
        return MemoryJournal(self, run)

    def advance(self, run_id: str) -> RunStatus:
        """What a worker does on a message."""
        if journal := self.claim(run_id):
            with choice_desk(self.choices):
                advance(journal.row.procedure, journal, self.files)
        return self.runs[run_id].status

    def resolve(self, run_id: str, key: str, content: dict[str, Any]) -> bool:
        """Close an open wait and queue the run; False when it is closed already."""
        run = self.runs[run_id]
        if run.waits.pop(key, None) is None:
            return False
        run.inputs.append(Draft(EventKind.WAIT_CLOSED, key, key, content))
        if run.status == RunStatus.WAITING:
            run.status = RunStatus.QUEUED
        return True

    def travel(self, length: timedelta) -> None:
        """Let time pass, and do what became due."""
        self.clock += length
        for run_id, run in self.runs.items():
            for key, wait in list(run.waits.items()):
                if wait["due_at"] and datetime.fromisoformat(wait["due_at"]) <= self.clock:
                    self.resolve(run_id, key, silence(wait))
            if run.wake_at and run.wake_at <= self.clock:
                run.status, run.wake_at = RunStatus.QUEUED, None

    def append(self, run: MemoryRun, *drafts: Draft) -> list[Event]:
        for draft in drafts:
            seq = len(run.events) + 1
            head = run.events[-1].hash if run.events else ""
            run.events.append(
                chain(draft, run_id=run.facts.run_id, seq=seq, at=self.clock, head=head, key=KEY)
            )
        return run.events[-len(drafts) :]


class MemoryJournal:
    """One worker's hold on a run in memory."""

    def __init__(self, store: MemoryStore, row: MemoryRun) -> None:
        self._store, self.row = store, row
        self._epoch = row.epoch
        facts = row.facts
        self.run = RunFacts(facts.run_id, facts.inputs, facts.seed, row.claims)
        self.working: Working | None = None
        self.is_cancelled = False

    def now(self) -> datetime:
        return self._store.clock

    def pause(self, seconds: float) -> None:
        self._store.clock += timedelta(seconds=seconds)

    def load(self) -> list[Event]:
        return list(self.row.events)

    def commit(self, batch: Batch) -> list[Event]:
        if self.row.epoch != self._epoch or self.row.status != RunStatus.RUNNING:
            raise Fenced(self.run.run_id)
        events = self._store.append(self.row, *batch.drafts)
        for event in events:
            if event.kind == EventKind.WAIT_OPENED:
                self.row.waits[event.key] = event.content
        self.row.files.update({file.name: file.digest for file in batch.files})
        if is_progress(batch.drafts):
            self.row.claims = 0
        if batch.release:
            self._release(batch.release)
        return events

    def _release(self, release: Release) -> None:
        run = self.row
        run.status, run.wake_at, run.claims = release.status, release.wake_at, 0
        run.result, run.error, run.leased_until = release.result, release.error, None
        if run.status.is_end:
            run.waits.clear()
        if run.status == RunStatus.WAITING and run.inputs:
            run.status = RunStatus.QUEUED

"""A store in memory for tests, rehearsals and drivers: it holds rows, and applies no rules."""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.known import known_here, procedure_near
from procedures.engine.journal.events import Batch, Event, NewEvent, RunFacts, chained
from procedures.engine.journal.seals import PROOF, proven, seals_of
from procedures.engine.store import RunRow, SentSignal, Store, WaitCells
from procedures.engine.values.files import File, FileStore, use_file_store

Plain: TypeAlias = Mapping[str, Any]
KEY = b"memory"
LEASE = timedelta(seconds=15)


@dataclass(eq=False)
class MemoryRun(RunRow):
    """The row of a run, its journal, and the other rows that belong to it."""

    procedure: Procedure
    facts: RunFacts
    by: str
    parent_wait: "MemoryWait | None" = None
    parent_number: int = 0
    claims: int = 0
    error: Plain | None = None
    events: list[Event] = field(default_factory=list)
    inputs: list["MemoryInput"] = field(default_factory=list)
    """The rows of what was sent to the run, and which no claim has taken into the journal yet."""
    waits: dict[str, "MemoryWait"] = field(default_factory=dict)
    """The open waits, by key."""
    closed: list["MemoryWait"] = field(default_factory=list)
    all_signals: list["MemorySignal"] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)

    @property
    def pk(self) -> str:
        return self.facts.run_id

    def __str__(self) -> str:
        return f"{self.procedure.name} {self.pk[-8:]}"


@dataclass(eq=False)
class MemoryWait(dict[str, Any], WaitCells):
    """A wait: the content of its opening event as a dictionary, and its row's fields."""

    run: MemoryRun
    run_id: str
    key: str
    opened_seq: int
    kind: str
    due_at: datetime | None
    signal: str
    need: int | None
    abandons: bool
    part_of: "MemoryWait | None" = None
    is_open: bool = True
    closing: Plain = field(default_factory=dict)
    children: list[MemoryRun] = field(default_factory=list)
    ends: list["MemoryInput"] = field(default_factory=list)
    __eq__ = object.__eq__
    # Compare rows by identity, not by content.
    __hash__ = object.__hash__  # type: ignore[assignment]

    def opening(self) -> Plain:
        return self


@dataclass
class MemoryInput(NewEvent):
    """Something that was sent to a run, and that no claim has taken into the journal yet."""

    wait: MemoryWait | None = None


@dataclass(kw_only=True)
class MemorySignal(SentSignal):
    """A stored signal."""

    at: datetime
    wait: MemoryWait | None = None
    skipped: str = ""
    read_seq: int | None = None

    @property
    def responder_id(self) -> Any:
        return self.sent_by


class MemoryTables(Store):
    """All rows of one process, and the current time, which the caller sets."""

    lease, key = LEASE, KEY

    def __init__(self, files: FileStore) -> None:
        self.clock = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self.runs: dict[str, MemoryRun] = {}
        self.files = files

    @property
    def now(self) -> datetime:
        return self.clock

    def new_id(self) -> str:
        return str(uuid4())

    def use_files(self) -> AbstractContextManager[None]:
        return use_file_store(self.files)

    def pass_by(self, *_: Any, **__: Any) -> None:
        """Do nothing: memory needs no locks and no saving, and nobody listens to changes."""

    lock_below = lock_journal = revoke_lease = release = save = refresh = pass_by
    tell_started = tell_notice = tell_opened = tell_ended = call_workers = pass_by
    tell_held = tell_released = tell_read = pass_by

    def beginning(self, run: MemoryRun, _files: Sequence[File]) -> dict[str, Any]:
        facts = {"inputs": run.facts.inputs, "seed": run.facts.seed, "depth": run.facts.depth}
        return {"by": run.by, PROOF: seals_of(facts, owner=run.pk, key=KEY)}

    def insert_run(self, run: MemoryRun, _last: Event, events: Sequence[Event] = ()) -> None:
        self.runs[run.pk] = run
        self.insert_events(run, events)
        if run.parent_wait:
            run.parent_wait.children.append(run)

    def insert_events(self, run: MemoryRun, events: Sequence[Event]) -> None:
        run.events += events

    def files_of(self, run: MemoryRun) -> list[File]:
        return list(run.files.values())

    def keep_files(self, run: MemoryRun, files: Sequence[File]) -> None:
        run.files.update({file.name: file for file in files})

    def find_run(self, run_id: str) -> MemoryRun:
        return self.runs[run_id]

    def find_named(self, run_id: str) -> MemoryRun | None:
        return self.runs.get(run_id)

    def may_reach(self, run: MemoryRun, other: MemoryRun) -> bool:
        return run.by == other.by != "system"

    def hold(self, run: MemoryRun, some: Any, drafts: Sequence[NewEvent], **_: Any) -> None:
        run.claims += 1
        if drafts:
            self.take_inputs(run, some, drafts)

    def rest(self, run: MemoryRun) -> None:
        run.claims = 0

    def set_error(self, run: MemoryRun, error: Plain | None) -> None:
        run.error = error

    def error_of(self, run: MemoryRun) -> Plain:
        return run.error or {}

    def events(self, run: MemoryRun) -> list[Event]:
        return run.events[run.base_seq :]

    def write(self, run: MemoryRun, batch: Batch) -> list[Event]:
        after, head = len(run.events), run.events[-1].hash
        drafts = proven(batch, run_id=run.pk, key=KEY)
        new = chained(drafts, run_id=run.pk, after=after, at=self.now, head=head, key=KEY)
        run.events += new
        return new

    def put_input(self, run_id: str, draft: NewEvent, *, wait: Any = None, **_: Any) -> None:
        one = MemoryInput(draft.kind, draft.key, draft.name, draft.data, wait)
        self.runs[run_id].inputs.append(one)
        if wait:
            wait.ends.append(one)

    def inputs(self, run: MemoryRun, kind: str = "") -> list[MemoryInput]:
        return [one for one in run.inputs if kind in ("", one.kind)]

    def note_brought(self, run: MemoryRun, some: Sequence[MemoryInput]) -> None:
        run.inputs = [one for one in run.inputs if not any(one is taken for taken in some)]

    def ends_of(self, wait: MemoryWait, names: Collection[str] | None = None) -> list[MemoryInput]:
        return [end for end in wait.ends if end.wait and (names is None or end.name in names)]

    def signals(self, run: MemoryRun, **cells: Any) -> list[MemorySignal]:
        return having(run.all_signals, cells)

    def keep_signal(self, run: MemoryRun, sent: SentSignal) -> MemorySignal:
        run.all_signals.append(MemorySignal(**vars(sent), at=self.now))
        return run.all_signals[-1]

    def insert_wait(self, run: MemoryRun, content: Plain, cells: Plain) -> MemoryWait:
        wait = run.waits[cells["key"]] = MemoryWait(run, run.pk, **cells)
        wait.update(content)
        return wait

    def waits(
        self, run: MemoryRun, *, is_open: bool | None = None, most: int = 0, **cells: Any
    ) -> list[MemoryWait]:
        closed, still_open = () if is_open else run.closed, run.waits.values()
        found = closed if is_open is False else [*closed, *still_open]
        return having(found, cells)[: most or None]

    def close_wait(self, run: Any, wait: Any, content: Plain, *, held_at: Any = None) -> None:
        wait.closing, wait.is_open, wait.closed_at = content, False, held_at or self.now
        insort(run.closed, run.waits.pop(wait.key), key=lambda one: one.closed_at)

    def reopen_wait(self, run: MemoryRun, wait: MemoryWait) -> None:
        wait.is_open, run.waits[wait.key] = True, wait
        run.closed.remove(wait)

    def closing_of(self, wait: MemoryWait) -> Plain:
        return wait.closing

    def code_for(self, run: MemoryRun, procedure: str) -> Procedure:
        return known_here(procedure) or procedure_near(run.procedure, procedure)

    def new_child(
        self, run: MemoryRun, wait: Any, code: Any, number: int, *, inputs: str, run_id: str
    ) -> MemoryRun:
        pk, seed = run_id or self.new_id(), self.new_id()
        facts = RunFacts(pk, inputs, seed=seed, depth=run.facts.depth + 1)
        return MemoryRun(code, facts, run.by, wait, number)

    def children(self, wait: MemoryWait) -> list[MemoryRun]:
        return list(wait.children)


def having(rows: Iterable[Any], cells: Plain) -> list[Any]:
    """Return the rows whose fields have the values in `cells`, for example `{"is_open": True}`."""
    return [row for row in rows if all(getattr(row, name) == cells[name] for name in cells)]

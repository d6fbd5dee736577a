"""The rows in memory, by the protocol of `engine/store/`, without rules."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from procedures.engine.journal.events import Batch, Event, NewEvent, RunFacts, chained
from procedures.engine.journal.large import put_aside
from procedures.engine.journal.seals import PROOF, proven, seals_of
from procedures.engine.lifecycle.children import newest_without_result, numbers_of
from procedures.engine.lifecycle.deliveries import out_of_reach
from procedures.engine.lifecycle.start import begin_run
from procedures.engine.memory.code import child_of
from procedures.engine.memory.files import MemoryFiles
from procedures.engine.memory.rows import MemoryInput, MemoryRun, MemorySignal, MemoryWait
from procedures.engine.store import SentSignal, Store
from procedures.engine.values.files import File, use_file_store

KEY = b"memory"
LEASE = timedelta(seconds=15)


class MemoryTables:
    """All rows of one test, with a clock that the test turns."""

    def __init__(self) -> None:
        self.clock = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self.runs: dict[str, MemoryRun] = {}
        self.files = MemoryFiles()
        self._closings = 0

    def new_id(self) -> str:
        return str(uuid4())

    # Runs

    @property
    def now(self) -> datetime:
        return self.clock

    def lease_end(self) -> datetime:
        return self.clock + LEASE

    def beginning(self, run: MemoryRun, _files: Sequence[File]) -> dict[str, Any]:
        facts = run.facts
        named = {"inputs": facts.inputs, "seed": facts.seed, "depth": facts.depth}
        return {"by": run.by, PROOF: seals_of(named, owner=run.pk, key=KEY)}

    def insert_run(self, run: MemoryRun, drafts: Sequence[NewEvent], files: Sequence[File]) -> None:
        self.runs[run.pk] = run
        self.append(run, *drafts)
        self.keep_files(run, files)

    def keep_files(self, run: MemoryRun, files: Sequence[File]) -> None:
        run.files.update({file.name: file.digest for file in files})

    def find_run(self, run_id: str) -> MemoryRun:
        return self.runs[run_id]

    lock_run = find_run

    def below(self, run: MemoryRun) -> list[MemoryRun]:
        return [one for one in self.runs.values() if one.parent_wait and one.parent_wait.run is run]

    def family(self, run: MemoryRun) -> list[MemoryRun]:
        below = self.below(run)
        return [*below, *(deep for one in below for deep in self.family(one))]

    def pass_by(self, *_: Any) -> None:
        """Do nothing, as memory has no locks, no separate saving, and no listeners."""

    lock_below = lock_family = lock_journal = save = save_counts = refresh = pass_by
    tell_started = tell_notice = tell_ended = tell_opened = call_workers = pass_by

    def hold(self, run: MemoryRun) -> None:
        run.claims += 1

    def revoke_lease(self, run: MemoryRun) -> None:
        run.epoch += 1

    def rest(self, run: MemoryRun) -> None:
        run.claims = 0

    def release(self, run: MemoryRun, error: Mapping[str, Any] | None) -> None:
        run.error = error

    def error_of(self, run: MemoryRun) -> Mapping[str, Any]:
        return run.error or {}

    def forget_error(self, run: MemoryRun) -> None:
        run.error = None

    def is_asked_to_stop(self, run: MemoryRun) -> bool:
        return bool(run.cancel_requested_at or run.pause_requested_at)

    def events(self, run: MemoryRun) -> list[Event]:
        return run.events[run.base_seq :]

    def has_event(
        self, run: MemoryRun, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        later = run.events[after : before - 1 if before else None]
        return any(kind in ("", one.kind) and one.key.startswith(prefix) for one in later)

    def write(self, run: MemoryRun, batch: Batch) -> list[Event]:
        return self.append(run, *proven(batch, run_id=run.pk, key=KEY))

    def append(self, run: MemoryRun, *drafts: NewEvent) -> list[Event]:
        after, head = len(run.events), run.events[-1].hash if run.events else ""
        new = chained(drafts, run_id=run.pk, after=after, at=self.clock, head=head, key=KEY)
        run.events += new
        return new

    def use_files(self) -> AbstractContextManager[None]:
        return use_file_store(self.files)

    def savepoint(self) -> AbstractContextManager[None]:
        return nullcontext()

    def regardless(self) -> Self:
        return self

    def after_commit(self, act: Callable[[Store], bool]) -> None:
        while act(self):
            pass

    def refusal(self, run: MemoryRun, to: str) -> str:
        """Return why a run may not reach another one, or "".

        In memory people may do what they like.
        """
        if other := self.runs.get(to):
            above = [one.parent_wait.run for one in (run, other) if one.parent_wait]
            if run in above or other in above or run.by == other.by != "system":
                return ""
        return out_of_reach(to)

    # What comes from outside

    def run_key(self, run_id: str) -> str:
        return run_id

    def put_input(
        self,
        run_id: str,
        draft: NewEvent,
        *,
        wait: MemoryWait | None = None,
        at: datetime | None = None,
        is_counted: bool = False,
    ) -> None:
        one = MemoryInput(draft.kind, draft.key, draft.name, draft.data, wait)
        self.runs[run_id].inputs.append(one)
        if wait:
            wait.ends.append(one)

    def inputs(self, run: MemoryRun, kind: str) -> list[MemoryInput]:
        return [one for one in run.inputs if one.kind == kind]

    def pending_inputs(self, run: MemoryRun) -> list[MemoryInput]:
        return list(run.inputs)

    def take_inputs(
        self, run: MemoryRun, some: Sequence[MemoryInput], drafts: Sequence[NewEvent]
    ) -> None:
        self.append(run, *drafts)
        run.claims = 1
        self.note_brought(run, some)

    def note_brought(self, run: MemoryRun, some: Sequence[MemoryInput]) -> None:
        run.inputs = [one for one in run.inputs if not any(one is taken for taken in some)]

    def set_aside(self, run: MemoryRun, some: Sequence[MemoryInput]) -> None:
        self.note_brought(run, some)
        for one in some:
            if one.wait:
                one.wait.ends = [end for end in one.wait.ends if end is not one]

    def ends_of(self, wait: MemoryWait, names: Collection[str] | None = None) -> list[MemoryInput]:
        return [end for end in wait.ends if names is None or end.name in names]

    def is_called(self, run: MemoryRun) -> bool:
        return bool(run.inputs)

    def left_at_end(self, run: MemoryRun, kind: str) -> tuple[bool, bool]:
        return bool(self.inputs(run, kind)), bool(run.waits)

    def last_told(self, run: MemoryRun, kind: str, name: str) -> dict[str, Any]:
        told: list[MemoryInput | Event] = [*run.events, *run.inputs]
        found = [one for one in told if (one.kind, one.name) == (kind, name)]
        return found[-1].content if found else {}

    # Waits

    def insert_wait(self, run: MemoryRun, event: Event, content: Mapping[str, Any]) -> MemoryWait:
        wait = run.waits[event.key] = run.latest[event.key] = MemoryWait(run, event, content)
        return wait

    def open_waits(self, run: MemoryRun, *, kind: str = "", signal: str = "") -> list[MemoryWait]:
        found = [wait for wait in run.waits.values() if kind in ("", wait.kind)]
        return [wait for wait in found if signal in ("", wait.signal)]

    def latest_wait(self, run: MemoryRun, key: str) -> MemoryWait | None:
        return run.latest.get(key)

    def close_wait(self, run: MemoryRun, wait: MemoryWait, content: Mapping[str, Any]) -> None:
        self._closings += 1
        wait.closing, wait.closed_as = content, self._closings
        del run.waits[wait.key]

    def reopen_wait(self, run: MemoryRun, wait: MemoryWait) -> None:
        wait.closing = None
        run.waits[wait.key] = wait

    def closing_of(self, wait: MemoryWait) -> Mapping[str, Any]:
        return wait.closing or {}

    def put_in_set(self, whole: MemoryWait, wait: MemoryWait) -> None:
        self.leave_set(wait)
        wait.part_of = whole
        whole.parts.append(wait)

    def gather(self, whole: MemoryWait, keys: Collection[str]) -> None:
        for key in keys:
            self.put_in_set(whole, whole.run.latest[key])

    def leave_set(self, wait: MemoryWait) -> None:
        if wait.part_of:
            wait.part_of.parts.remove(wait)
        wait.part_of = None

    def leave_sets(self, run: MemoryRun, key: str) -> None:
        for part in [part for whole in run.latest.values() for part in whole.parts]:
            if part.key == key:
                self.leave_set(part)

    def count_closed(self, whole: MemoryWait) -> int:
        return sum(not part.is_open for part in whole.parts)

    def first_closed(self, whole: MemoryWait, count: int) -> list[MemoryWait]:
        closed = [part for part in whole.parts if not part.is_open]
        return sorted(closed, key=lambda part: part.closed_as)[:count]

    def open_parts(self, whole: MemoryWait) -> list[MemoryWait]:
        return [part for part in whole.parts if part.is_open]

    # Children

    def insert_children(
        self,
        run: MemoryRun,
        wait: MemoryWait,
        procedure: str,
        inputs: Sequence[str],
        *,
        start: int = 0,
        run_id: str = "",
    ) -> None:
        code = child_of(run.procedure, procedure)
        for number, text in enumerate(inputs, start=start):
            with self.use_files():
                kept = put_aside(text)
            depth = run.facts.depth + 1
            facts = RunFacts(run_id or self.new_id(), kept, seed=self.new_id(), depth=depth)
            child = MemoryRun(code, facts, run.by, wait, number)
            wait.children.append(child)
            begin_run(self, child)

    def has_children(self, wait: MemoryWait) -> bool:
        return bool(wait.children)

    def children_of(self, wait: MemoryWait) -> list[MemoryRun]:
        return list(wait.children)

    def children_with_result(self, wait: MemoryWait) -> list[MemoryRun]:
        return [child for child in wait.children if child.result is not None]

    def numbers_of(self, wait: MemoryWait) -> tuple[set[int], set[int]]:
        return numbers_of(wait.children)

    def without_result(self, wait: MemoryWait) -> list[MemoryRun]:
        return newest_without_result(wait.children)

    # Signals

    def find_signal(self, run: MemoryRun, name: str, signal_id: str) -> MemorySignal | None:
        known = (one for one in run.all_signals if (one.name, one.signal_id) == (name, signal_id))
        return next(known, None)

    def keep_signal(self, run: MemoryRun, sent: SentSignal) -> MemorySignal:
        cells = (sent.name, sent.signal_id, sent.value, sent.sender, sent.sent_by, sent.error)
        signal = MemorySignal(*cells, self.now)
        run.all_signals.append(signal)
        return signal

    def unread(self, run: MemoryRun, name: str) -> list[MemorySignal]:
        return [one for one in run.all_signals if one.is_unread and one.name == name]

    def read_by(self, signal: MemorySignal, wait: MemoryWait) -> None:
        signal.wait = wait

    def skip(self, _run: MemoryRun, signal: MemorySignal, why: str) -> None:
        signal.wait, signal.skipped = None, why

    def last_read(self, run: MemoryRun, key: str) -> MemorySignal | None:
        read = [one for one in run.all_signals if one.wait and one.wait.key == key]
        return max(read, key=lambda one: one.wait.pk[1] if one.wait else 0, default=None)

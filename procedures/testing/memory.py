"""A store of runs in memory, for tests and drivers, with the operations of workers and people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.limits import USUAL, Limits
from procedures.engine.declaration.subjects import subject_of
from procedures.engine.execute import advance
from procedures.engine.journal.events import Piece, RunFacts, RunStatus
from procedures.engine.journal.large import inputs_of, put_aside, whole
from procedures.engine.lifecycle import fork
from procedures.engine.lifecycle import runs as rules
from procedures.engine.lifecycle.claim import take_up
from procedures.engine.lifecycle.holds import (
    TooLateError,
    hold_answer,
    settle_answer,
    undo_answer,
)
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.lifecycle.signals import accept_signal
from procedures.engine.lifecycle.start import begin_run
from procedures.engine.lifecycle.waits import answer_wait, expire_wait, is_undecided
from procedures.engine.memory import MemoryRun, MemoryTables, MemoryWait
from procedures.engine.replay.history import FORK
from procedures.engine.replay.recorder import Linger
from procedures.engine.store import SentSignal
from procedures.engine.values import canonical
from procedures.engine.values.choices import use_choices
from procedures.engine.values.files import File, named_files
from procedures.engine.values.sizes import USUAL_SIZES, Sizes
from procedures.testing.files import MemoryFiles
from procedures.testing.journal import MemoryJournal


class MemoryStore(MemoryTables):
    """All runs of one test, with a clock that the test advances."""

    def __init__(
        self,
        choices: Mapping[str, Mapping[str, str]] | None = None,
        limits: Limits = USUAL,
        sizes: Sizes = USUAL_SIZES,
    ) -> None:
        super().__init__(MemoryFiles())
        self.files: MemoryFiles
        self.choices = choices or {}
        """The allowed values of `SiteChoice` inputs: `{"PLACES": {"shop": "/srv/shop"}}`, keyed by
        the setting, then by the name that people choose."""
        self.limits, self.sizes = limits, sizes
        self.is_stopping = False
        """True if the worker has been told to stop."""
        self.spent_by = ""
        """The reason for which the worker's process would have to be replaced, or ""."""
        self.shown: list[tuple[str, int, Piece]] = []
        """The pieces of texts that running steps have written, each with the run's id and the
        claim's number."""
        self.faults: tuple[type[BaseException], ...] = ()
        """Types of exceptions that count as a loss of the storage, as a lost database connection
        does."""

    # People

    def start(
        self, procedure: Procedure, inputs: Mapping[str, Any] | None = None, *, by: str = "system"
    ) -> str:
        with self.use_files(), use_choices(self.choices):
            text = put_aside(procedure.dump(procedure.parse(inputs or {})))
        return self.begin(procedure, RunFacts(self.new_id(), text, seed=self.new_id()), by=by)

    def begin(self, procedure: Procedure, facts: RunFacts, *, by: str) -> str:
        run = MemoryRun(procedure, facts, by)
        with self.use_files():
            run.subject = subject_of(procedure.subject, whole(facts.inputs))
        begin_run(self, run)
        return facts.run_id

    def resolve(
        self, run_id: str, key: str, content: dict[str, Any], *, files: Sequence[File] = ()
    ) -> bool:
        """Close an open wait with an answer, and queue the run; return False if it was closed.

        `files` are the files in the answer.
        """
        run = self.runs[run_id]
        if wait := self._undecided(run, key):
            self.keep_files(run, files)
            answer_wait(self, run, wait, {**content, **named_files(files)})
        return wait is not None

    def hold_answer(
        self,
        run_id: str,
        key: str,
        content: dict[str, Any],
        length: timedelta,
        *,
        files: Sequence[File] = (),
    ) -> bool:
        """Store an answer that takes effect after `length` unless it is undone before that.

        Returns False if the wait is already closed or has a held answer. `files` are the files in
        the answer.
        """
        run = self.runs[run_id]
        if wait := self._undecided(run, key):
            self.keep_files(run, files)
            content = {**content, **named_files(files)}
            hold_answer(self, run, wait, content, until=self.now + length)
        return wait is not None

    def undo_answer(self, run_id: str, key: str) -> bool:
        """Undo a held answer; return False if the answer can't be undone any more."""
        run = self.runs[run_id]
        try:
            undo_answer(self, run, run.waits[key])
        except (KeyError, TooLateError):
            return False
        return True

    def _undecided(self, run: MemoryRun, key: str) -> MemoryWait | None:
        wait = run.waits.get(key)
        return wait if wait is not None and is_undecided(wait) else None

    def signal(self, run_id: str, name: str, value: Any, *, id: str, by: str) -> bool:  # noqa: A002
        """Send a signal to a run; return False if the run has a signal with this name and id.

        Raises `AnswerError` if the run is waiting for the signal and no such wait can accept the
        value.
        """
        run = self.runs[run_id]
        if self.signals(run, name=name, signal_id=id):
            return False
        self.sizes.check_signal(value)
        sent = SentSignal(name, id, canonical.text_of(value), by)
        accept_signal(self, run, sent, code=run.procedure.version)
        return True

    def write_to(
        self,
        run_id: str,
        text: str,
        *,
        id: str,  # noqa: A002
        by: str,
        steers: bool = False,
        files: Sequence[File] = (),
    ) -> bool:
        """Write a message to a run; return False if the run has a message with this id already."""
        value = {"text": text, "id": id, **({"steers": True} if steers else {})}
        if files:
            value["files"] = list(map(asdict, files))
            self.keep_files(self.runs[run_id], files)
        return self.signal(run_id, MESSAGE, value, id=id, by=by)

    def fork(
        self,
        run_id: str,
        at: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        keep_answers: bool = True,
        by: str,
    ) -> str:
        """Fork a run at one of its steps or waits, and return the new run's id."""
        origin = self.runs[run_id]
        until = fork.first_of(self, origin, self.events(origin), at).seq
        taken = list(fork.events_taken_over(self, origin, until))
        carried = fork.carried(taken, at, keep_answers=keep_answers)
        with self.use_files(), use_choices(self.choices):
            text = inputs_of(taken[0], origin.facts.inputs)
            if inputs:
                text = origin.procedure.dump(origin.procedure.revise(text, inputs))
            facts = RunFacts(self.new_id(), put_aside(text), seed=origin.facts.seed)
        run = MemoryRun(origin.procedure, facts, by)
        run.subject = subject_of(origin.procedure.subject, text)
        payload = {"action": FORK, "by": by, "from": run_id, "at": at, "again": carried.again}
        point = fork.Fork(origin, until, carried, inputs=text, by=by)
        files = [file for file in self.files_of(origin) if file.digest in text]
        fork.begin_fork(self, run, point, fork.note_of(payload), files=files)
        return run.pk

    # Workers

    def lock_claimable(self, run_id: str) -> MemoryRun | None:
        run = self.runs.get(run_id)
        return run if run and rules.is_claimable(run, self.now) else None

    def claim(self, run_id: str) -> MemoryJournal | None:
        """Claim the run and return its journal; None if the run is held or has nothing to do."""
        run = self.lock_claimable(run_id)
        return self.journal_of(run) if run and take_up(self, run) else None

    def journal_of(self, run: MemoryRun) -> MemoryJournal:
        return MemoryJournal(self, run)

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        """Claim the run and advance it, as a worker does; return the run's status."""
        if journal := self.claim(run_id):
            linger = self.linger_of(journal)
            with use_choices(self.choices):
                advance(code or journal.row.procedure, journal, self.files, linger=linger)
        return self.status_of(run_id)

    def status_of(self, run_id: str) -> RunStatus:
        status: RunStatus = self.runs[run_id].status
        return status

    def linger_of(self, _journal: MemoryJournal) -> Linger | None:
        """Return the function that decides if code is kept at a wait; None if it never is.

        Code that isn't kept is abandoned by an exception and replayed later, as in a worker.
        """
        return None

    def queued(self) -> list[str]:
        return [key for key, run in self.runs.items() if run.queued_at]

    def advance_all(self) -> None:
        """Advance all queued runs until none is queued."""
        while queued := self.queued():
            for run_id in queued:
                self.advance(run_id)

    # Time

    def travel(self, length: timedelta) -> None:
        """Advance the clock, close the waits whose deadline has passed, and queue due runs.

        Held answers that can't be undone any more take effect.
        """
        self.clock += length
        for wait in self.to_settle():
            self.settle_answer(wait)
        for run_id, key, wait in self.due():
            self.expire(run_id, key, wait)
        for run in self.runs.values():
            self.wake(run)

    def due(self) -> list[tuple[str, str, MemoryWait]]:
        """Return the undecided waits whose deadline has passed: (run's id, wait's key, wait)."""
        waits = [wait for run in self.runs.values() for wait in run.waits.values()]
        due = [wait for wait in waits if wait.due_at and wait.due_at <= self.now]
        return [(wait.run_id, wait.key, wait) for wait in due if is_undecided(wait)]

    def to_settle(self) -> list[MemoryWait]:
        """Return the waits with a held answer that can't be undone any more, the earliest first."""
        waits = [wait for run in self.runs.values() for wait in run.waits.values()]
        held = [(wait.effective_at, wait) for wait in waits if wait.effective_at]
        return [wait for at, wait in sorted(held, key=lambda one: one[0]) if at <= self.now]

    def settle_answer(self, wait: MemoryWait) -> bool:
        return settle_answer(self, wait.run, wait)

    def expire(self, _run_id: str, _key: str, wait: MemoryWait) -> bool:
        """Close a wait at its deadline; return False if it is already closed."""
        return expire_wait(self, wait.run, wait)

    def wake(self, run: MemoryRun) -> None:
        """Queue a suspended run if another attempt is due or its maximum duration has passed."""
        if rules.is_due(run, self.now):
            rules.queue(self, run)

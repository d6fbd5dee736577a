"""Rehearsals: whole runs in memory, with people and time supplied by a test."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.signatures import signature_of
from procedures.engine.errors import AnswerError, Fenced
from procedures.engine.journal.events import Batch, Event, EventKind, RunStatus
from procedures.engine.journal.large import whole
from procedures.engine.journal.payloads import written_in
from procedures.engine.lifecycle.runs import SUSPENDED
from procedures.engine.lifecycle.waits import is_undecided
from procedures.engine.memory import MemoryRun
from procedures.engine.replay.recorder import Linger
from procedures.engine.values import canonical
from procedures.engine.values.files import File, use_file_store
from procedures.engine.values.options import check_kind, with_options
from procedures.engine.values.served import adapter
from procedures.testing.deciding import Decisions
from procedures.testing.given import with_stored_files
from procedures.testing.journal import MemoryJournal
from procedures.testing.lingering import Lingering
from procedures.testing.memory import MemoryStore
from procedures.testing.people import (
    MANNER,
    Asked,
    Manner,
    People,
    RefusedAnswer,
    Remark,
    Said,
    asked_of,
    check_people,
    check_remarks,
)
from procedures.testing.rehearsed import RehearsedRun

STARTER = "starter"
MOST_MOMENTS = 10_000
MOST_CLAIMS = 20_000
DEEPEST = 8
"""The most runs whose code may stay at a wait at once; each one runs inside the one before."""
FROM_OUTSIDE = {EventKind.WAIT_CLOSED, EventKind.LOG}
"""Kinds of events during which code may stay at its wait; for other kinds it is abandoned."""


class EndlessError(AssertionError):
    """A rehearsal that would never end."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was stopped: it exceeded the limit of {MOST_MOMENTS:,} answers and deadlines"
            f" or of {MOST_CLAIMS:,} worker claims, and probably never ends."
        )


class Left(Fenced):
    """An interruption of code that stays at a wait, because another event comes first.

    The code is replayed later.
    """


class Store(MemoryStore):
    """A store with reproducible ids, whose runs take turns.

    A run's code may stay at a wait while everything else continues, so that a thousand waits don't
    cost a thousand replays; `Lingering` decides when it may.
    """

    def __init__(self, choices: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__(choices)
        self._ids = self._claims = 0
        self._turns: deque[str] = deque()
        self._standing: list[str] = []
        """The runs whose code stays at a wait, the latest one last."""
        self._lingering: dict[tuple[str, int], Lingering] = defaultdict(Lingering)
        self._world: Callable[[str], bool] | None = None
        self._outside = Context()
        self.broken: BaseException | None = None
        """An error from elsewhere while code stayed at a wait; that code mustn't see it."""

    def live_in(self, world: Callable[[str], bool]) -> None:
        """Keep the code of runs in memory at each wait, instead of replaying it afterwards.

        `world(run_id)` lets everything else happen until the run can continue, and returns True.
        It returns False if another run that is kept in memory must continue first, or if nothing
        more will happen.
        """
        self._world, self._outside = world, copy_context()

    def new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        self._count_claim(run_id)
        try:
            return super().advance(run_id, code)
        except Left:
            return self.status_of(run_id)

    def next_turn(self) -> str | None:
        """Return the id of the next run to advance, or None."""
        while True:
            if not self._turns:
                queued = (key for key, run in self.runs.items() if run.status == RunStatus.QUEUED)
                self._turns.extend(queued)
            if not self._turns:
                return None
            if self.runs[run_id := self._turns.popleft()].status == RunStatus.QUEUED:
                return run_id

    def is_standing(self, run_id: str) -> bool:
        return run_id in self._standing

    def give_back(self, run_id: str) -> None:
        """Put the run at the front of the queue."""
        self._turns.appendleft(run_id)

    def begin_turns_anew(self) -> None:
        self._turns.clear()

    def linger_of(self, journal: MemoryJournal) -> Linger | None:
        lingering = self._lingering[journal.run.run_id, journal.row.base_seq]
        lingering.known = len(journal.row.events)
        return partial(self._linger, journal, lingering) if self._world else None

    def _linger(
        self, journal: MemoryJournal, lingering: Lingering, batch: Batch
    ) -> Sequence[Event] | None:
        if lingering.is_left() or len(self._standing) >= DEEPEST:
            return None
        run, run_id = journal.row, journal.run.run_id
        journal.commit(batch)
        if not self._goes_on(journal):
            raise Left(run_id)
        before, lingering.known = lingering.known, len(run.events)
        return run.events[before:]

    def _goes_on(self, journal: MemoryJournal) -> bool:
        """Advance everything else, outside the code's context, until it is this run's turn.

        Return False if the code must be abandoned instead.
        """
        run_id = journal.run.run_id
        assert self._world
        self._standing.append(run_id)
        try:
            # In the context of the test, not of the code that stands here: what that has set must
            # reach no other run.
            is_its_turn = self._outside.copy().run(self._world, run_id)
            return is_its_turn and self._take_up(journal)
        # It can't rise through the code that stands here, which could catch it.
        except BaseException as error:  # noqa: BLE001 (raised again where the world goes on)
            self.broken = self.broken or error
            return False
        finally:
            self._standing.pop()

    def _take_up(self, journal: MemoryJournal) -> bool:
        """Claim the run for the code that stays at its wait.

        Return False if it must be abandoned.
        """
        run, run_id = journal.row, journal.run.run_id
        if self.is_asked_to_stop(run) or not FROM_OUTSIDE.issuperset(
            draft.kind for draft in run.inputs
        ):
            self.give_back(run_id)
            return False
        self._count_claim(run_id)
        self.claim(run_id)
        journal.take_hold()
        return True

    def _count_claim(self, run_id: str) -> None:
        self._claims += 1
        if self._claims > MOST_CLAIMS:
            raise EndlessError(self.runs[run_id].procedure.name)


@with_options("run_procedure")
def run_procedure(
    procedure: Procedure,
    inputs: Mapping[str, Any] | None = None,
    *,
    humans: People | None = None,
    choices: Mapping[str, Mapping[str, str]] | None = None,
    says: Sequence[Remark] = (),
) -> RehearsedRun:
    """Run a procedure in memory until it ends or nothing more will happen; return the outcome.

    `humans` answers its questions; by default, the people of the enclosing `humans(...)` block do.
    `choices` holds the values that the site's settings would allow, by setting and name. `says`
    holds messages that people write to the run without being asked, made by `say`.
    """
    check_rehearsal("run_procedure", procedure, inputs, humans, choices)
    check_remarks("says= of run_procedure", says)
    return Rehearsal(Store(choices), says).play(procedure, inputs or {}, manner_of(humans))


def check_rehearsal(
    verb: str, procedure: object, inputs: object, humans: object, choices: object
) -> None:
    """Raise `OptionError` for arguments with which no rehearsal can start."""
    check_kind(f"procedure of {verb}", procedure, Procedure, "a function with @procedure")
    check_kind(f"inputs of {verb}", inputs, Mapping | None, "a mapping")
    if humans is not None:
        check_people(f"humans= of {verb}", humans)
    if choices is not None:
        words = 'a mapping of settings such as {"PLACES": {"shop": "/srv"}}'
        check_kind(f"choices= of {verb}", choices, Mapping, words)
        for allowed in choices.values():  # type: ignore[attr-defined]  # looked at just now
            check_kind(f"choices= of {verb}", allowed, Mapping, words)


def manner_of(people: People | None) -> Manner:
    manner = MANNER.get()
    return manner if people is None else replace(manner, people=people)


class Rehearsal:
    """One run with its children, its people, and a clock that jumps from one event to the next."""

    def __init__(self, store: Store, says: Sequence[Remark] = ()) -> None:
        self._store, self._begins = store, store.clock
        self._remarks = sorted(says, key=lambda one: one.after)
        """The messages that nobody has written yet."""
        self._asked: dict[tuple[str, str], tuple[dict[str, Any], Asked]] = {}
        self._all_asked: list[Asked] = []
        self._coming: list[Said] = []
        self._refused: list[RefusedAnswer] = []
        self._decisions = Decisions()
        self._sent = self._moments = 0

    def play(self, procedure: Procedure, inputs: Mapping[str, Any], manner: Manner) -> RehearsedRun:
        run_id = self._store.start(procedure, self._kept(inputs), by=STARTER)
        self._procedure, self._manner, self._top = procedure, manner, run_id
        self._make_remarks()
        self._store.live_in(self._go_on)
        self._go_on()
        return self._report(self._store.runs[run_id], procedure)

    def _go_on(self, until: str = "") -> bool:
        """Advance all runs until it is the turn of the run `until`.

        Returns False if its turn won't come.
        """
        while True:
            while run_id := self._store.next_turn():
                if run_id == until:
                    return True
                if self._store.is_standing(run_id):
                    self._store.give_back(run_id)
                    return False
                self._store.advance(run_id)
                if self._store.broken:
                    raise self._store.broken
            if not self._let_time_pass():
                return False

    def _let_time_pass(self) -> bool:
        """Ask people and jump to the next moment; return False if there is none."""
        self._ask_people()
        moment = self._next_moment()
        if moment is None:
            return False
        self._moments += 1
        if self._moments > MOST_MOMENTS:
            raise EndlessError(self._procedure.name)
        self._store.travel(moment - self._store.clock)
        self._make_remarks()
        self._hand_over()
        return True

    def _kept(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        with use_file_store(self._store.files):
            return {name: with_stored_files(value) for name, value in inputs.items()}

    def _ask_people(self) -> None:
        for asked in self._newly_asked():
            try:
                with use_file_store(self._store.files):
                    run = self._store.runs[asked.run_id]
                    said = self._decisions.answer_to(asked, run) or self._manner.answer(asked)
            except AnswerError as refusal:
                self._refused.append(RefusedAnswer(asked, str(refusal)))
            else:
                self._coming += [said] if said else []

    def _newly_asked(self) -> list[Asked]:
        new: list[Asked] = []
        for run_id, run in self._store.runs.items():
            for key, wait in run.waits.items():
                known = self._asked.get((run_id, key))
                if wait["wait"] in ("request", "signal") and not (known and known[0] is wait):
                    asked = asked_of(run_id, key, wait, at=self._store.clock)
                    self._asked[run_id, key] = wait, asked
                    new.append(asked)
        self._all_asked += [asked for asked in new if not asked.is_signal]
        return new

    def _next_moment(self) -> datetime | None:
        moments = [said.at for said in self._coming]
        if not RunStatus(self._store.status_of(self._top)).is_end:
            moments += [self._begins + one.after for one in self._remarks[:1]]
        for run in self._store.runs.values():
            moments += [run.wake_at] if run.wake_at else []
            moments += [run.ends_at] if _is_limited(run) and run.ends_at else []
            waits = run.waits.values()
            moments += [one.due_at for one in waits if one.due_at and is_undecided(one)]
            moments += [one.effective_at for one in waits if one.effective_at]
        return max(min(moments), self._store.clock) if moments else None

    def _make_remarks(self) -> None:
        """Write the messages that are due to the run."""
        while self._remarks and self._begins + self._remarks[0].after <= self._store.now:
            remark = self._remarks.pop(0)
            with self._store.use_files():
                files = [file.stored() for file in remark.files]
            steers = remark.steers
            self._write(self._top, remark.text, remark.by, steers=steers, files=files)

    def _write(
        self,
        run_id: str,
        text: str,
        by: str,
        *,
        steers: bool = False,
        files: Sequence[File] = (),
    ) -> None:
        self._sent += 1
        number = str(self._sent)
        self._store.write_to(run_id, text, id=number, by=by, steers=steers, files=files)

    def _hand_over(self) -> None:
        """Deliver the answers that are due; an answer that comes too late is dropped."""
        now = self._store.clock
        heard = sorted((said for said in self._coming if said.at <= now), key=lambda one: one.at)
        self._coming = [said for said in self._coming if said.at > now]
        for said in heard:
            asked = said.asked
            wait, latest = self._asked[asked.run_id, asked.key]
            run = self._store.runs[asked.run_id]
            # A wait may have been closed and opened again meanwhile: the answer was given to the
            # earlier one.
            if latest is asked and run.waits.get(asked.key) is wait:
                self._deliver(run, said)

    def _deliver(self, run: MemoryRun, said: Said) -> None:
        asked, run_id = said.asked, run.facts.run_id
        if asked.question:
            undo = 0 if said.is_final else asked.question.undo or 0
            held, given = timedelta(seconds=undo), (run_id, asked.key, said.content)
            if undo:
                is_new = self._store.hold_answer(*given, held, files=said.files)
            else:
                is_new = self._store.resolve(*given, files=said.files)
            if is_new:
                self._decisions.note(said, run, at=self._store.now + held)
            return
        value, by = canonical.jsonable(said.content["value"]), said.content["by"]
        if asked.is_message:
            self._write(run_id, value, by)
            return
        self._sent += 1
        try:
            self._store.signal(run_id, asked.prompt, value, id=str(self._sent), by=by)
        except AnswerError as refusal:
            self._refused.append(RefusedAnswer(asked, str(refusal)))

    def _report(self, run: MemoryRun, procedure: Procedure) -> RehearsedRun:
        result = None
        if run.result is not None:
            with use_file_store(self._store.files):
                returns = signature_of(procedure.fn).returns
                result = canonical.restored(whole(run.result), adapter(returns))
        contents = {name: self._store.files.get(file.digest) for name, file in run.files.items()}
        return RehearsedRun(
            run.status,
            result,
            run.error,
            tuple(run.events),
            tuple(self._all_asked),
            contents,
            tuple(self._refused),
            run.subject,
            run.events[-1].at - self._begins,
            self._written(run),
        )

    def _written(self, run: MemoryRun) -> dict[str, str]:
        notices = (one.content for one in run.events if one.kind == EventKind.NOTICE)
        with use_file_store(self._store.files):
            return {one["step"]: written_in(one) for one in notices if "step" in one}


def _is_limited(run: MemoryRun) -> bool:
    """Return True if the run waits and its own code limits its duration.

    Limits that only the site sets never end a test.
    """
    return run.status in SUSPENDED and run.procedure.limits.max_duration is not None

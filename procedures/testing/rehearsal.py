"""Rehearsals: whole runs in memory, with people and time supplied by a test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.signatures import signature_of
from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.journal.large import whole
from procedures.engine.journal.payloads import written_in
from procedures.engine.lifecycle.runs import SUSPENDED
from procedures.engine.lifecycle.waits import is_undecided
from procedures.engine.memory import MemoryRun
from procedures.engine.values import canonical
from procedures.engine.values.files import File, use_file_store
from procedures.engine.values.options import check_kind, with_options
from procedures.engine.values.served import adapter
from procedures.testing.deciding import Decisions
from procedures.testing.given import with_stored_files
from procedures.testing.people import (
    MANNER,
    AskedWait,
    Manner,
    PendingAnswer,
    People,
    RefusedAnswer,
    UnaskedMessage,
    asked_of,
    check_people,
    check_remarks,
)
from procedures.testing.rehearsed import RehearsedRun
from procedures.testing.turns import MOST_MOMENTS, EndlessError, Store

STARTER = "starter"


@with_options("run_procedure")
def run_procedure(
    procedure: Procedure,
    inputs: Mapping[str, Any] | None = None,
    *,
    humans: People | None = None,
    choices: Mapping[str, Mapping[str, str]] | None = None,
    says: Sequence[UnaskedMessage] = (),
) -> RehearsedRun:
    """Run a procedure in memory until it ends or nothing more will happen; return the outcome.

    `humans` answers the questions of the run; by default, the people of the enclosing `humans(...)`
    block do. `choices` holds the values that the site's settings would allow for `SiteChoice`
    inputs: `{"PLACES": {"shop": "/srv/shop"}}`. `says` holds messages that people write to the run
    without having been asked, each made by `say`.
    """
    check_rehearsal("run_procedure", procedure, inputs, humans, choices)
    check_remarks("says= of run_procedure", says)
    return Rehearsal(Store(choices), says).play(procedure, inputs or {}, manner_of(humans))


def check_rehearsal(
    verb: str, procedure: object, inputs: object, humans: object, choices: object
) -> None:
    """Raise `OptionError` for arguments with which no rehearsal can start.

    `verb` is the name of the called function, for the message.
    """
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
    """One run with its child runs, its people, and a clock that skips times without events."""

    def __init__(self, store: Store, says: Sequence[UnaskedMessage] = ()) -> None:
        self._store, self._begins = store, store.clock
        self._remarks = sorted(says, key=lambda one: one.after)
        """The messages of `says` that haven't been written yet, ordered by time."""
        self._asked: dict[tuple[str, str], tuple[dict[str, Any], AskedWait]] = {}
        self._all_asked: list[AskedWait] = []
        self._coming: list[PendingAnswer] = []
        self._refused: list[RefusedAnswer] = []
        self._decisions = Decisions()
        self._sent = self._moments = 0

    def play(self, procedure: Procedure, inputs: Mapping[str, Any], manner: Manner) -> RehearsedRun:
        run_id = self._store.start(procedure, self._kept(inputs), by=STARTER)
        self._procedure, self._manner, self._top = procedure, manner, run_id
        self._write_messages()
        self._store.live_in(self._go_on)
        self._go_on()
        return self._report(self._store.runs[run_id], procedure)

    def _go_on(self, until: str = "") -> bool:
        """Advance all runs, then time, again and again, until the run `until` is next in the queue.

        Returns True then. Returns False if another run whose code waits in memory comes first, or
        if nothing more will happen.
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
        """Ask people, then advance the clock to the next answer, message or deadline.

        Returns False if nothing of this kind will come.
        """
        self._ask_people()
        moment = self._next_moment()
        if moment is None:
            return False
        self._moments += 1
        if self._moments > MOST_MOMENTS:
            raise EndlessError(self._procedure.name)
        self._store.travel(moment - self._store.clock)
        self._write_messages()
        self._deliver_answers()
        return True

    def _kept(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        with use_file_store(self._store.files):
            return {name: with_stored_files(value) for name, value in inputs.items()}

    def _ask_people(self) -> None:
        for asked in self._newly_asked():
            try:
                with use_file_store(self._store.files):
                    run = self._store.runs[asked.run_id]
                    answer = self._decisions.answer_to(asked, run) or self._manner.answer(asked)
            except AnswerError as refusal:
                self._refused.append(RefusedAnswer(asked, str(refusal)))
            else:
                self._coming += [answer] if answer else []

    def _newly_asked(self) -> list[AskedWait]:
        new: list[AskedWait] = []
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
        moments = [answer.at for answer in self._coming]
        if not RunStatus(self._store.status_of(self._top)).is_end:
            moments += [self._begins + one.after for one in self._remarks[:1]]
        for run in self._store.runs.values():
            moments += [run.wake_at] if run.wake_at else []
            moments += [run.ends_at] if _is_limited(run) and run.ends_at else []
            waits = run.waits.values()
            moments += [one.due_at for one in waits if one.due_at and is_undecided(one)]
            moments += [one.effective_at for one in waits if one.effective_at]
        return max(min(moments), self._store.clock) if moments else None

    def _write_messages(self) -> None:
        """Write to the run those messages of `says` whose time has come."""
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

    def _deliver_answers(self) -> None:
        """Deliver the answers whose time has come; drop those whose question is no longer open."""
        now = self._store.clock
        heard = sorted(
            (answer for answer in self._coming if answer.at <= now), key=lambda one: one.at
        )
        self._coming = [answer for answer in self._coming if answer.at > now]
        for answer in heard:
            asked = answer.asked
            wait, latest = self._asked[asked.run_id, asked.key]
            run = self._store.runs[asked.run_id]
            # A wait may have been closed and opened again meanwhile, but the answer was given to
            # the earlier wait.
            if latest is asked and run.waits.get(asked.key) is wait:
                self._deliver(run, answer)

    def _deliver(self, run: MemoryRun, answer: PendingAnswer) -> None:
        asked, run_id = answer.asked, run.facts.run_id
        if asked.question:
            undo = 0 if answer.is_final else asked.question.undo or 0
            held, given = timedelta(seconds=undo), (run_id, asked.key, answer.content)
            if undo:
                is_new = self._store.hold_answer(*given, held, files=answer.files)
            else:
                is_new = self._store.resolve(*given, files=answer.files)
            if is_new:
                self._decisions.note(answer, run, at=self._store.now + held)
            return
        value, by = canonical.jsonable(answer.content["value"]), answer.content["by"]
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
    """Return True if the run waits and its procedure sets `max_duration`.

    A limit that only the site sets never ends a test.
    """
    return run.status in SUSPENDED and run.procedure.limits.max_duration is not None

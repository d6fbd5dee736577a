"""A run from its start to its end in memory, with people and time as a test has written them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from procedures.engine import canonical
from procedures.engine.definition import Procedure
from procedures.engine.errors import AnswerError
from procedures.engine.files import File, file_desk
from procedures.engine.journal import Event, EventKind, RunStatus
from procedures.engine.large import whole
from procedures.engine.memory import MemoryRun, MemoryStore
from procedures.engine.memory.rows import SUSPENDED
from procedures.engine.questions import Question
from procedures.engine.signatures import signature_of
from procedures.testing.people import MANNER, Asked, Manner, People, Said

STARTER = "starter"
MOST_MOMENTS = 1_000
MOST_CLAIMS = 20_000


class EndlessError(AssertionError):
    """A rehearsal that does not come to an end."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} still goes on after {MOST_MOMENTS:,} answers and deadlines, or"
            f" {MOST_CLAIMS:,} claims."
        )


@dataclass(frozen=True)
class Given:
    """A file among the inputs: {"orders": Given("orders.csv", text)}."""

    name: str
    content: bytes | str


class Store(MemoryStore):
    """Ids that are the same every time."""

    _ids = _claims = 0

    def new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        self._claims += 1
        if self._claims > MOST_CLAIMS:
            raise EndlessError(self.runs[run_id].procedure.name)
        return super().advance(run_id, code)

    def carry_on(self) -> None:
        """As workers do, up to where something is waited for."""
        self.advance_all()


@dataclass(frozen=True)
class RefusedAnswer:
    """What somebody said, or sent, that was refused as it is from a form: it stayed open."""

    asked: Asked
    message: str
    """What a person would read."""


@dataclass(frozen=True)
class RehearsedRun:
    """What became of a run."""

    status: RunStatus
    result: Any
    """In the type that the procedure declares; None while there is none."""
    error: Mapping[str, Any] | None
    """`type`, `message` and more of what failed or is quarantined."""
    events: tuple[Event, ...]
    asked: tuple[Asked, ...]
    """Everything that was asked, of its children too, in that order."""
    files: Mapping[str, bytes]
    """What its steps have made, by name."""
    refused: tuple[RefusedAnswer, ...]
    """Answers and signals that did not fit, of its children too, in that order."""
    took: timedelta
    """From its start to where it ended, or to where it waits and nobody says anything."""

    @property
    def prompts(self) -> list[str]:
        return [asked.prompt for asked in self.asked]

    @property
    def notices(self) -> list[str]:
        """What it said in the chat."""
        return [event.content["text"] for event in self._of(EventKind.NOTICE)]

    @property
    def steps(self) -> list[str]:
        """The keys of the steps that succeeded, in that order."""
        return [event.key for event in self._of(EventKind.STEP_SUCCEEDED)]

    @property
    def journal(self) -> list[str]:
        """Each event as its kind and its key."""
        return [f"{event.kind} {event.key}".strip() for event in self.events]

    def _of(self, kind: EventKind) -> Iterable[Event]:
        return (event for event in self.events if event.kind == kind)


def run_procedure(
    procedure: Procedure,
    inputs: Mapping[str, Any] | None = None,
    *,
    humans: People | None = None,
    choices: Mapping[str, Mapping[str, str]] | None = None,
) -> RehearsedRun:
    """Start it, and let people answer and time pass until it ends or nothing will happen any more.

    `humans` says what people say, else those of the `humans(...)` block; `choices` what the site's
    settings allow, by setting and name.
    """
    return Rehearsal(Store(choices)).play(procedure, inputs or {}, manner_of(humans))


def manner_of(people: People | None) -> Manner:
    manner = MANNER.get()
    return replace(manner, people=people) if people else manner


class Rehearsal:
    """One run, its children, the people, and a clock that runs from one moment to the next."""

    def __init__(self, store: Store) -> None:
        self._store, self._begins = store, store.clock
        self._asked: dict[tuple[str, str], tuple[dict[str, Any], Asked]] = {}
        self._all_asked: list[Asked] = []
        self._coming: list[Said] = []
        self._refused: list[RefusedAnswer] = []
        self._sent = 0

    def play(self, procedure: Procedure, inputs: Mapping[str, Any], manner: Manner) -> RehearsedRun:
        run_id = self._store.start(procedure, self._kept(inputs), by=STARTER)
        self._go_on(manner)
        for _ in range(MOST_MOMENTS):
            moment = self._next_moment()
            if moment is None:
                return self._report(self._store.runs[run_id], procedure)
            self._store.travel(moment - self._store.clock)
            self._hand_over()
            self._go_on(manner)
        raise EndlessError(procedure.name)

    def _kept(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        with file_desk(self._store.files):
            return {
                name: File.store(value.name, value.content) if isinstance(value, Given) else value
                for name, value in inputs.items()
            }

    def _go_on(self, manner: Manner) -> None:
        self._store.carry_on()
        for asked in self._newly_asked():
            try:
                said = manner.answer(asked)
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
                    asked = _asked(run_id, key, wait, at=self._store.clock)
                    self._asked[run_id, key] = wait, asked
                    new.append(asked)
        self._all_asked += [asked for asked in new if asked.question]
        return new

    def _next_moment(self) -> datetime | None:
        moments = [said.at for said in self._coming]
        for run in self._store.runs.values():
            moments += [run.wake_at] if run.wake_at else []
            moments += [run.ends_at] if _is_limited(run) and run.ends_at else []
            dues = (wait["due_at"] for wait in run.waits.values() if wait["due_at"])
            moments += map(datetime.fromisoformat, dues)
        return max(min(moments), self._store.clock) if moments else None

    def _hand_over(self) -> None:
        """What was said by now; too late, it changes nothing, as everywhere."""
        now = self._store.clock
        heard = sorted((said for said in self._coming if said.at <= now), key=lambda one: one.at)
        self._coming = [said for said in self._coming if said.at > now]
        for said in heard:
            asked = said.asked
            wait, latest = self._asked[asked.run_id, asked.key]
            run = self._store.runs[asked.run_id]
            if latest is asked and run.waits.get(asked.key) is wait:
                self._deliver(run, said)

    def _deliver(self, run: MemoryRun, said: Said) -> None:
        asked, run_id = said.asked, run.facts.run_id
        if asked.question:
            self._store.resolve(run_id, asked.key, said.content)
            return
        value, by = canonical.jsonable(said.content["value"]), said.content["by"]
        self._sent += 1
        try:
            self._store.signal(run_id, asked.prompt, value, id=str(self._sent), by=by)
        except AnswerError as refusal:
            self._refused.append(RefusedAnswer(asked, str(refusal)))

    def _report(self, run: MemoryRun, procedure: Procedure) -> RehearsedRun:
        result = None
        if run.result is not None:
            with file_desk(self._store.files):
                returns = signature_of(procedure.fn).returns
                result = canonical.restored(whole(run.result), canonical.adapter(returns))
        contents = {name: self._store.files.get(digest) for name, digest in run.files.items()}
        return RehearsedRun(
            run.status,
            result,
            run.error,
            tuple(run.events),
            tuple(self._all_asked),
            contents,
            tuple(self._refused),
            run.events[-1].at - self._begins,
        )


def _is_limited(run: MemoryRun) -> bool:
    """Whether it waits, and its own code limits that: what the site allows ends no test."""
    return run.status in SUSPENDED and run.procedure.limits.lasts is not None


def _asked(run_id: str, key: str, wait: Mapping[str, Any], *, at: datetime) -> Asked:
    if wait["wait"] == "signal":
        return Asked(run_id, key, "signal", wait["signal"], at)
    question = Question.from_json(wait)
    return Asked(run_id, key, question.kind, question.prompt, at, question)

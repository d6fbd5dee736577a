"""Crash tests: a run's worker is killed at each commit, and the run must end in the same way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import Batch, Event, EventKind, RunStatus, Working
from procedures.engine.lifecycle.runs import queue
from procedures.engine.memory import MemoryRun
from procedures.engine.values.options import check_function, with_options
from procedures.testing.journal import MemoryJournal
from procedures.testing.people import People, UnaskedMessage, check_remarks
from procedures.testing.rehearsal import Rehearsal, check_rehearsal, manner_of
from procedures.testing.rehearsed import RehearsedRun
from procedures.testing.turns import Store

Moment = Literal["before", "after"]
ATTEMPT = ("attempt", "started_at")
MOMENTS: tuple[Moment, Moment] = ("before", "after")


class CrashTestError(AssertionError):
    """A crash test failed: a run ended differently, or repeated a step whose result was stored."""


class Killed(StorageLost):
    """The death of a worker in a crash test."""


@dataclass(frozen=True)
class CrashReport:
    """The outcome of a crash test."""

    commits: tuple[str, ...]
    """The names of the commits of the run without a kill, made of the kinds and keys of their
    events: "step.succeeded pay"."""
    undisturbed: RehearsedRun

    @property
    def kills(self) -> int:
        return len(self.commits) * len(MOMENTS)

    def __str__(self) -> str:
        killed = f"Killed {self.kills} times, before and after each of {len(self.commits)} commits"
        return f"{killed}, with the same outcome each time"


@with_options("crash_test")
def crash_test(  # noqa: PLR0913 (the options of authors)
    procedure: Procedure,
    inputs: Mapping[str, Any] | None = None,
    *,
    humans: People | None = None,
    choices: Mapping[str, Mapping[str, str]] | None = None,
    says: Sequence[UnaskedMessage] = (),
    fresh: Callable[[], object] | None = None,
    outcome: Callable[[RehearsedRun], object] | None = None,
) -> CrashReport:
    """Run a procedure undisturbed, then again for each kill of its worker, one kill per run.

    The worker is killed once before and once after each commit. A kill before a commit loses a
    step's result, so the step runs again with the same idempotency key. `fresh` is called before
    each run, to reset what steps have changed outside the run. `outcome` receives a finished run
    and returns what must be equal in all runs, including the steps' outside effects; by default, it
    is `everything`. `says` is described at `run_procedure`. Raises `CrashTestError` if an outcome
    differs, or if a step whose result was stored runs again.
    """
    check_rehearsal("crash_test", procedure, inputs, humans, choices)
    if fresh is not None:
        check_function("fresh= of crash_test", fresh)
    if outcome is not None:
        check_function("outcome= of crash_test", outcome, "run")
    check_remarks("says= of crash_test", says)
    look = outcome or everything

    def live(kill: Kill) -> tuple[RehearsedRun, object]:
        if fresh:
            fresh()
        store = MortalStore(kill, choices)
        run = Rehearsal(store, says).play(procedure, inputs or {}, manner_of(humans))
        return run, look(run)

    counting = Kill()
    undisturbed, expected = live(counting)
    for number, what in enumerate(counting.commits):
        for moment in MOMENTS:
            kill = Kill(number, moment)
            _, seen = live(kill)
            _compare(expected, seen, kill, f"killed {moment} the commit of {what}")
    return CrashReport(tuple(counting.commits), undisturbed)


def everything(run: RehearsedRun) -> dict[str, Any]:
    """Return a run's status, result, error, step results, questions, notices and files.

    Questions to operators about an interrupted `once=True` step are left out.
    """
    kept = [event for event in run.events if event.kind == EventKind.STEP_SUCCEEDED]
    doubtful = {event.key for event in run.events if event.kind == EventKind.STEP_STARTED}
    return {
        "status": str(run.status),
        "result": run.result,
        "error": run.error and (run.error["type"], run.error["message"]),
        "steps": [(event.key, _result(event)) for event in kept],
        "questions": [
            asked.prompt for asked in run.asked if asked.key.rpartition("/")[0] not in doubtful
        ],
        "notices": run.notices,
        "files": dict(run.files),
    }


def _result(event: Event) -> dict[str, Any]:
    """Return a step's result without its attempt number and start time."""
    return {key: value for key, value in event.content.items() if key not in ATTEMPT}


def _compare(expected: object, seen: object, kill: "Kill", when: str) -> None:
    # Otherwise, a run that took another path for its own reasons would pass for one that survived
    # its kill.
    if not kill.has_struck:
        raise CrashTestError(f"The run took another path this time and was never {when}.")
    if kill.repeated:
        raise CrashTestError(
            f"Steps with a stored result ran again: {', '.join(kill.repeated)}. The run was {when}."
        )
    if seen == expected:
        return
    name = "outcome"
    if isinstance(seen, dict) and isinstance(expected, dict):
        name = next(name for name in expected if seen.get(name) != expected[name])
        seen, expected = seen.get(name), expected[name]
    raise CrashTestError(f"Expected the {name} {expected!r}, but got {seen!r}. The run was {when}.")


@dataclass
class Kill:
    """A kill of the worker at the commit with this number, counted from 0; -1 kills no worker."""

    number: int = -1
    moment: Moment = "after"
    commits: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    has_struck: bool = False

    def strike(self, moment: Moment) -> bool:
        if moment == self.moment and len(self.commits) - 1 == self.number:
            self.has_struck, self.number = True, -1
            return True
        return False


class MortalStore(Store):
    """A store in memory whose workers can be killed."""

    def __init__(self, kill: Kill, choices: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__(choices)
        self.kill = kill
        self.kept_steps: dict[tuple[str, int], tuple[set[str], int]] = {}
        """The keys of the steps with a stored result, and how many events were examined to find
        them.

        The dictionary is keyed by the run's id and its `base_seq`, the number of the last event
        before the current generation.
        """
        self._kept_ids = 0

    def insert_run(self, run: MemoryRun, last: Event, events: Sequence[Event] = ()) -> None:
        super().insert_run(run, last, events)
        self.keep_ids()

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        """Advance the run and return its status; a killed worker's runs are queued again."""
        try:
            return super().advance(run_id, code)
        except Killed:
            for run in self.runs.values():
                if run.status == RunStatus.RUNNING:
                    queue(self, run)
            # The runs are queued in the order in which the clock process would find them, whatever
            # the dead worker was about to do.
            self.begin_turns_anew()
            return self.status_of(run_id)

    def keep_ids(self) -> None:
        """Make the ids given out so far permanent, at a commit and when a run starts."""
        self._kept_ids = self._ids

    def forget_ids(self) -> None:
        """Take back the ids given out since the last commit; the next worker gets the same ones."""
        self._ids = self._kept_ids

    def journal_of(self, run: MemoryRun) -> "MortalJournal":
        return MortalJournal(self, run)


class MortalJournal(MemoryJournal):
    """The journal of a worker that can be killed."""

    def __init__(self, store: MortalStore, row: MemoryRun) -> None:
        self._mortal, self._kill, self._is_dead = store, store.kill, False
        super().__init__(store, row)

    @property
    def working(self) -> Working | None:
        return self._working

    @working.setter
    def working(self, working: Working | None) -> None:
        self._working = working
        if working and working.step in self._kept_steps():
            self._kill.repeated.append(working.step)

    def forgive_claim(self) -> None:
        """Do nothing: like that of any dead worker, this claim counts towards the poison limit."""

    def commit(self, batch: Batch) -> list[Event]:
        if self._is_dead:
            raise Killed(self.run.run_id)
        kinds = [f"{draft.kind} {draft.key}".strip() for draft in batch.events]
        self._kill.commits.append(", ".join(kinds) or "nothing")
        self._die("before")
        events = super().commit(batch)
        self._mortal.keep_ids()
        # The commit is stored, but the worker never learns of it: everything that it held in memory
        # is lost.
        self._die("after")
        return events

    def _die(self, moment: Moment) -> None:
        if self._kill.strike(moment):
            self._is_dead = True
            self._mortal.forget_ids()
            raise Killed(self.run.run_id)

    def _kept_steps(self) -> set[str]:
        """Return the keys of the steps with a stored result in this generation of the run.

        Each event is examined only once.
        """
        start = (self.run.run_id, self.row.base_seq)
        kept, known = self._mortal.kept_steps.get(start, (set(), self.row.base_seq))
        new = self.row.events[known:]
        kept |= {event.key for event in new if event.kind == EventKind.STEP_SUCCEEDED}
        self._mortal.kept_steps[start] = kept, len(self.row.events)
        return kept

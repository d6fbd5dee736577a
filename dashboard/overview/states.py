"""A run's state in words: its name, since when, and one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from dashboard.overview.openings import STANDS, WITHOUT_STORAGE
from dashboard.overview.waiting import LONGEST_PROMPT, Opening, people_of, what_is_waited_for
from dashboard.overview.words import (
    Part,
    Sentence,
    code,
    counted,
    format_duration,
    listed,
    moment,
    sentence,
    shortened,
    strong,
    who,
)
from procedures.engine.journal.events import RunStatus
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.models import Run

Look = Literal[
    "queued",
    "running",
    "person",
    "timer",
    "retrying",
    "paused",
    "done",
    "failed",
    "cancelled",
    "quarantined",
]
SPEAKING = {
    "BranchFailedError",
    "ChildFailedError",
    "ChoiceGoneError",
    "FileGoneError",
    "LimitReached",
    "NotApprovedError",
    "RequestExpiredError",
    "SignalError",
    "StateConflictError",
    "UnreachableRunError",
}
FAR = timedelta(days=31)
"""The time beyond which a limit is not mentioned."""
LONGEST_FAULT = 240
LONGEST_REASON = 240
WORDS: dict[RunStatus, tuple[Look, str]] = {
    RunStatus.QUEUED: ("queued", "Queued"),
    RunStatus.RUNNING: ("running", "Running"),
    RunStatus.WAITING: ("timer", "Waiting"),
    RunStatus.RETRYING: ("retrying", "Retrying"),
    RunStatus.PAUSED: ("paused", "Paused"),
    RunStatus.SUCCEEDED: ("done", "Done"),
    RunStatus.FAILED: ("failed", "Failed"),
    RunStatus.CANCELLED: ("cancelled", "Cancelled"),
    RunStatus.QUARANTINED: ("quarantined", "Quarantined"),
}


@dataclass
class Facts:
    """The facts about a run besides its row; lists know fewer of them than pages."""

    run: Run
    now: datetime
    """The time, read once for a whole list, because asking PostgreSQL is a query."""
    openings: Sequence[Opening] = ()
    """The open waits, questions first."""
    is_late: bool = False
    """Whether a time has passed that should have had its effect."""
    failure: dict[str, Any] = field(default_factory=dict)
    """The last failed attempt, with its step."""
    answered: dict[str, Any] = field(default_factory=dict)
    """A pending answer, with its prompt."""
    cancelled: dict[str, Any] = field(default_factory=dict)
    """Who cancelled it, or ended it at once, and why."""
    paused: dict[str, Any] = field(default_factory=dict)
    """Who paused it last, and why."""
    hindrance: str = ""
    """What keeps it in the queue, besides busy workers."""
    stranded: str = ""
    """Why no live worker can continue it, while it is queued."""
    is_removed: bool = False
    """Whether no code has the name of its procedure."""
    progress: str = ""
    """The running step's own progress."""
    answerers: Sequence[str] = ()
    kept: int | None = None
    """The number of kept steps, without compensations."""
    to_undo: int = 0
    """The number of compensations the code has registered; `undone` counts those that ran."""
    undone: int = 0
    answers: int = 0
    others: int = 0
    """Waits for time, signals and runs."""
    last_at: datetime | None = None
    """The time of the newest event."""

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.run.status)

    @property
    def question(self) -> Question | None:
        return next((one.question for one in self.openings if one.question), None)

    @property
    def opened_at(self) -> datetime | None:
        return self.openings[0].at if self.openings else None

    @property
    def is_stuck(self) -> bool:
        """True if no code here can continue it, or its storage was lost."""
        is_without_code = self.is_removed and self.status in STANDS
        return is_without_code or self.is_without_storage or bool(self.stranded)

    @property
    def is_without_storage(self) -> bool:
        return self.run.is_left_without_storage and self.status in WITHOUT_STORAGE


@dataclass(frozen=True)
class State:
    """The words of a status pill and of the line below it."""

    look: Look
    words: Sentence
    since: datetime
    is_end: bool
    sentence: Sentence


def state_of(facts: Facts) -> State:
    look, label = _label(facts)
    sentence = (_why_stuck if facts.is_stuck else SENTENCES[facts.status])(facts)
    return State(look, label, _since(facts), facts.status.is_end, sentence)


def _label(facts: Facts) -> tuple[Look, Sentence]:
    look, words = WORDS[facts.status]
    if facts.is_stuck:
        return "quarantined", sentence("Stuck")
    if facts.status != RunStatus.PAUSED:
        if people := people_of(facts.openings, facts.answerers):
            return "person", sentence("Waiting for ", people)
        if due := [one.due_at for one in facts.openings if one.due_at]:
            return look, sentence("Waiting until ", min(due))
    return look, sentence(words)


def _since(facts: Facts) -> datetime:
    run = facts.run
    if facts.status == RunStatus.PAUSED and run.pause_requested_at:
        return run.pause_requested_at
    return run.ended_at or facts.opened_at or run.working_since or facts.last_at or run.created_at


def _queued(facts: Facts) -> Sentence:
    if facts.hindrance:
        return sentence(
            "Waits since ", facts.last_at or facts.run.created_at, f": {facts.hindrance}"
        )
    if not facts.answered:
        return sentence(
            "Waits for a free worker since ", facts.last_at or facts.run.created_at, "."
        )
    return sentence(*_come(facts.answered), "; goes on as soon as a worker is free.")


def _come(answered: Mapping[str, Any]) -> tuple[str | Part, ...]:
    """Return a pending input in words."""
    outcome, by = answered["outcome"], who(answered["responder"])
    prompt = strong(_prompt(answered.get("prompt", "")))
    if not prompt.text:
        is_over = answered["timed_out"] or outcome == "elapsed"
        return ("The time is up" if is_over else COME.get(answered.get("wait", ""), COME["set"]),)
    if answered["timed_out"]:
        return "Nobody answered ", prompt, " in time"
    if outcome == "withdrawn":
        return prompt, " was withdrawn"
    return "The answer to ", prompt, f": {outcome}, by {by}"


def _why_stuck(facts: Facts) -> Sentence:
    if facts.is_without_storage:
        return _without_storage(facts)
    return _removed(facts) if facts.is_removed else _stranded(facts)


def _stranded(facts: Facts) -> Sentence:
    since = facts.last_at or facts.run.created_at
    return sentence(f"Stuck: {facts.stranded} Queued since ", since, ".")


def _without_storage(facts: Facts) -> Sentence:
    since = facts.last_at or facts.run.created_at
    return sentence(
        "Stuck since ",
        since,
        ": the file store or the database could not be used. The run goes on by itself once it can:"
        " an operator finds the reason on the site's health and in the workers' log.",
    )


def _removed(facts: Facts) -> Sentence:
    name = code(facts.run.procedure.name)
    remedy = "Bring its code back and start the workers again, or end the run at once."
    stuck = ("Stuck: no code here has the name ", name, f". {remedy}")
    if facts.status == RunStatus.WAITING:
        return sentence(*stuck, " ", *_waiting(facts).parts)
    if facts.status == RunStatus.RETRYING and facts.failure:
        return sentence(*stuck, " ", *_last_failure(facts.failure))
    since = facts.last_at or facts.run.created_at
    return sentence(*stuck, " Queued since ", since, ".")


def _running(facts: Facts) -> Sentence:
    run = facts.run
    if run.is_silent(facts.now):
        return _stuck(run)
    if run.cancel_requested_at:
        then = ("when ", code(run.working_on), " is over") if run.working_on else ("soon",)
        return sentence("Is being cancelled, and ends ", *then, ".")
    if run.pause_requested_at:
        then = ("when ", code(run.working_on), " is over") if run.working_on else ("soon",)
        return sentence("Is being paused, and rests ", *then, ".")
    if not run.working_on:
        return sentence("Working on the next step.")
    attempt = run.working_attempt or 1
    again = f", attempt {attempt}" if attempt > 1 else ""
    since: tuple[Part | str, ...] = ()
    if run.working_since:
        since = (", for ", moment(run.working_since, "age"))
    told = f": {shortened(facts.progress)}" if facts.progress else "."
    return sentence("Working: ", code(run.working_on), again, *since, told)


def _stuck(run: Run) -> Sentence:
    where = (" in ", code(run.working_on)) if run.working_on else (" between its steps",)
    since = run.reached_at or run.created_at
    if run.cancel_requested_at:
        return sentence("Stuck", *where, " since ", since, ". Its worker is being taken from it.")
    remedy = ". It holds a worker: cancel the run, or end it at once."
    return sentence("Stuck", *where, " since ", since, remedy)


def _waiting(facts: Facts) -> Sentence:
    since = facts.opened_at or facts.last_at or facts.run.created_at
    what = what_is_waited_for(facts.openings, facts.answerers) if facts.openings else ["."]
    return sentence("Waits since ", since, *what, *_end_of_time(facts), *_late(facts))


def _end_of_time(facts: Facts) -> tuple[str | datetime, ...]:
    """Return words that a limit will end the run, if its waits may take longer."""
    ends = facts.run.ends_at
    if ends is None or ends - facts.now > FAR:
        return ()
    if all(one.due_at and one.due_at < ends for one in facts.openings):
        return ()
    return (" Its time limit ends it at ", ends, ".")


def _late(facts: Facts) -> tuple[str, ...]:
    if not facts.is_late:
        return ()
    return (" That time has passed, and the clock has not acted on it.",)


def _retrying(facts: Facts) -> Sentence:
    due = _at(facts.run.wake_at)
    if not facts.failure:
        return sentence("A step failed and is tried again", *due, ".", *_late(facts))
    attempt = facts.failure["attempt"] + 1
    words = _last_failure(facts.failure)
    return sentence(*words, f" Attempt {attempt} follows", *due, ".", *_late(facts))


def _last_failure(failure: Mapping[str, Any]) -> tuple[str | Part, ...]:
    fault = _ended(_fault(failure["type"], failure["message"]))
    return code(failure["step"]), f" failed: {fault}"


def _at(due: datetime | None) -> tuple[str | Part, ...]:
    return (" at ", moment(due, "seconds")) if due else ()


def _paused(facts: Facts) -> Sentence:
    run, by = facts.run, facts.paused.get("by")
    since = run.pause_requested_at or facts.last_at or run.created_at
    told = (" by ", strong(by), f": {_quoted(facts.paused['reason'])}") if by else (".",)
    then = " What it asks can be answered." if facts.question else ""
    name = code(run.procedure.name) if facts.is_removed else ""
    gone = (" No code here has the name ", name, ": bring it back before that.") if name else ()
    return sentence(
        "Paused since ", since, *told, " It does nothing until it is let go on.", *gone, then
    )


def _done(facts: Facts) -> Sentence:
    run = facts.run
    took = format_duration((run.ended_at or run.created_at) - run.created_at)
    if facts.kept is None:
        return sentence(f"Finished after {took}.")
    done = [counted(facts.kept, "step")] if facts.kept else []
    done += [f"{counted(facts.answers, 'question')} to people"] if facts.answers else []
    done += [counted(facts.others, "other wait" if done else "wait")] if facts.others else []
    return sentence(f"Finished after {took}: ", listed(done) or "nothing to do", ".")


def _failed(facts: Facts) -> Sentence:
    error = _error(facts.run)
    if error["type"] == "StepFailedError" and ": " in error["message"]:
        step, _, message = error["message"].partition(": ")
        return sentence("Failed in ", code(step), ": ", _ended(message), _kept(facts))
    return sentence("Failed: ", _ended(_fault(error["type"], error["message"])), _kept(facts))


def _cancelled(facts: Facts) -> Sentence:
    if not facts.cancelled:
        return sentence("Cancelled.", _kept(facts))
    reason = _quoted(facts.cancelled["reason"])
    is_forced = facts.cancelled.get("forced", False)
    ended, undone = ("Ended at once", " Nothing was undone.") if is_forced else ("Cancelled", "")
    by = strong(facts.cancelled["by"])
    return sentence(f"{ended} by ", by, f": {reason}{undone}", _kept(facts))


def _quarantined(facts: Facts) -> Sentence:
    error = _error(facts.run)
    return sentence("Cannot go on: ", _ended(error["message"]), f" {error.get('remedy', '')}")


COME = {
    "timer": "The time is up",
    "signal": "The signal has come",
    "child": "Its child run has ended",
    "map": "Its child runs have ended",
    "set": "What it waited for has come",
}
SENTENCES = {
    RunStatus.QUEUED: _queued,
    RunStatus.RUNNING: _running,
    RunStatus.WAITING: _waiting,
    RunStatus.RETRYING: _retrying,
    RunStatus.PAUSED: _paused,
    RunStatus.SUCCEEDED: _done,
    RunStatus.FAILED: _failed,
    RunStatus.CANCELLED: _cancelled,
    RunStatus.QUARANTINED: _quarantined,
}


def _kept(facts: Facts) -> str:
    """Return what is kept of a stopped run's work, in words."""
    if facts.kept is None:
        return ""
    if facts.undone:
        return _undone(facts.undone, facts.to_undo)
    return f" {counted(facts.kept, 'step')} kept." if facts.kept else " No step is kept."


def _undone(done: int, of: int) -> str:
    if done >= of:
        return f" It has undone what it noted to undo: {counted(done, 'step')}."
    return f" {done} of {counted(of, 'step')} that undo what it did succeeded: look at the rest."


def _error(run: Run) -> dict[str, Any]:
    return canonical.plain(run.error) if run.error else {"type": "Error", "message": ""}


def _fault(kind: str, message: str) -> str:
    """Return an error by type and message; the engine's own only by message."""
    words = message if kind in SPEAKING else ": ".join(filter(None, [kind, message]))
    return shortened(words, LONGEST_FAULT)


def _ended(message: str) -> str:
    message = shortened(message, LONGEST_FAULT)
    return message if message.endswith((".", "!", "?", "…")) else f"{message}."


def _quoted(reason: str) -> str:
    """Return a person's text in quotation marks, as the end of a sentence."""
    reason = shortened(reason, LONGEST_REASON)
    return f"“{reason}”" if reason.endswith((".", "!", "?", "…")) else f"“{reason}”."


def _prompt(prompt: str) -> str:
    return shortened(prompt, LONGEST_PROMPT)

"""How a run stands, in words: the state, since when, and the one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from procedures.engine import canonical
from procedures.engine.journal import RunStatus
from procedures.engine.questions import Question
from procedures.models import Run
from procedures.models.clock import clock
from procedures.overview.words import (
    Part,
    Sentence,
    asked,
    code,
    counted,
    listed,
    moment,
    say,
    shortened,
    spoken,
    strong,
    who,
)

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
    "StateConflictError",
}
LONGEST_PROMPT = 160
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
    """What there is to say about a run besides its own row. Lists know less of it than pages."""

    run: Run
    opened: dict[str, Any] = field(default_factory=dict)
    """What the open wait asks for, and the same wait's times."""
    opened_at: datetime | None = None
    due_at: datetime | None = None
    failure: dict[str, Any] = field(default_factory=dict)
    """The last failed attempt, with its step."""
    answered: dict[str, Any] = field(default_factory=dict)
    """An answer that no worker has taken in yet, with its prompt."""
    cancelled: dict[str, Any] = field(default_factory=dict)
    """Who cancelled it, or ended it at once, and why."""
    paused: dict[str, Any] = field(default_factory=dict)
    """Who paused it last, and why."""
    hindrance: str = ""
    """What keeps it in the queue, besides busy workers."""
    is_removed: bool = False
    """No code has the name of its procedure."""
    progress: str = ""
    """What the step that runs says of itself."""
    answerers: Sequence[str] = ()
    kept: int | None = None
    """Steps."""
    answers: int = 0
    last_at: datetime | None = None
    """When the newest event was kept."""

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.run.status)

    @property
    def question(self) -> Question | None:
        return Question.from_json(self.opened) if "prompt" in self.opened else None


@dataclass(frozen=True)
class State:
    """What a pill and the line below it say."""

    look: Look
    words: Sentence
    since: datetime
    is_end: bool
    sentence: Sentence


def state_of(facts: Facts) -> State:
    look, words = WORDS[facts.status]
    label = say(words)
    if facts.status != RunStatus.PAUSED:
        if question := facts.question:
            look, label = "person", say("Waiting for ", asked(question.assign, facts.answerers))
        elif facts.due_at:
            label = say("Waiting until ", facts.due_at)
    return State(look, label, _since(facts), facts.status.is_end, SENTENCES[facts.status](facts))


def _since(facts: Facts) -> datetime:
    run = facts.run
    if facts.status == RunStatus.PAUSED and run.pause_requested_at:
        return run.pause_requested_at
    return run.ended_at or facts.opened_at or run.working_since or facts.last_at or run.created_at


def _queued(facts: Facts) -> Sentence:
    if facts.is_removed:
        return _removed(facts)
    if facts.hindrance:
        return say("Waits since ", facts.last_at or facts.run.created_at, f": {facts.hindrance}")
    if not facts.answered:
        return say("Waits for a free worker since ", facts.last_at or facts.run.created_at, ".")
    outcome, prompt = facts.answered["outcome"], facts.answered.get("prompt", "")
    by = who(facts.answered["responder"])
    words = ("The answer to ", strong(_prompt(prompt)), f": {outcome}, by {by}") if prompt else ()
    return say(*(words or ("The time is up",)), "; goes on as soon as a worker is free.")


def _removed(facts: Facts) -> Sentence:
    name, since = code(facts.run.procedure.name), facts.last_at or facts.run.created_at
    remedy = "Bring its code back and start the workers again, or end the run at once."
    return say("Stuck since ", since, ": no code here has the name ", name, f". {remedy}")


def _running(facts: Facts) -> Sentence:
    run = facts.run
    if run.is_silent(clock.now()):
        return _stuck(run)
    if run.cancel_requested_at:
        then = ("when ", code(run.working_on), " is over") if run.working_on else ("soon",)
        return say("Is being cancelled, and ends ", *then, ".")
    if run.pause_requested_at:
        then = ("when ", code(run.working_on), " is over") if run.working_on else ("soon",)
        return say("Is being paused, and rests ", *then, ".")
    if not run.working_on:
        return say("Working on the next step.")
    attempt = run.working_attempt or 1
    again = f", attempt {attempt}" if attempt > 1 else ""
    since: tuple[Part | str, ...] = ()
    if run.working_since:
        since = (", for ", moment(run.working_since, "age"))
    told = f": {shortened(facts.progress)}" if facts.progress else "."
    return say("Working: ", code(run.working_on), again, *since, told)


def _stuck(run: Run) -> Sentence:
    where = (" in ", code(run.working_on)) if run.working_on else (" between its steps",)
    since = run.reached_at or run.created_at
    if run.cancel_requested_at:
        return say("Stuck", *where, " since ", since, ". Its worker is being taken from it.")
    remedy = ". It holds a worker: cancel the run, or end it at once."
    return say("Stuck", *where, " since ", since, remedy)


def _waiting(facts: Facts) -> Sentence:
    since = facts.opened_at or facts.last_at or facts.run.created_at
    if question := facts.question:
        people = asked(question.assign, facts.answerers)
        asks = ("Waits since ", since, " for ", strong(_prompt(question.prompt)), f" from {people}")
        return say(*asks, *_silence(question, facts.due_at))
    other = _other_wait(facts.opened)
    if facts.due_at:
        until = (" until ", facts.due_at) if other else (" and goes on at ", facts.due_at)
        return say("Waits since ", since, *other, *until, ".")
    return say("Waits since ", since, *other, ".")


def _other_wait(opened: Mapping[str, Any]) -> tuple[str | Part, ...]:
    """What it waits for besides people and time."""
    match opened.get("wait"):
        case "signal":
            return (" for the signal ", code(opened["signal"]))
        case "child":
            return (" for a run of ", code(opened["procedure"]))
        case "map":
            return (f" for {counted(opened['count'], 'run')} of ", code(opened["procedure"]))
    return ()


def _silence(question: Question, due: datetime | None) -> tuple[str | Part | datetime, ...]:
    """Until when, and what nobody's answer will mean."""
    if due is None or question.on_timeout is None:
        return (", until somebody answers.",)
    if question.on_timeout == "fail":
        return (" until ", due, ", then fails.")
    if question.on_timeout == "withdraw" or question.default is None:
        return (" until ", due, ", then goes on without an answer.")
    default = shortened(question.label_of(question.default), 60)
    return (" until ", due, ", then counts as ", strong(default), ".")


def _retrying(facts: Facts) -> Sentence:
    failure = facts.failure
    if not failure:
        return say("A step failed and is tried again", *_at(facts.run.wake_at), ".")
    fault = _ended(_fault(failure["type"], failure["message"]))
    words = (code(failure["step"]), f" failed: {fault} Attempt {failure['attempt'] + 1} follows")
    return say(*words, *_at(facts.run.wake_at), ".")


def _at(due: datetime | None) -> tuple[str | Part, ...]:
    return (" at ", moment(due, "seconds")) if due else ()


def _paused(facts: Facts) -> Sentence:
    run, by = facts.run, facts.paused.get("by")
    since = run.pause_requested_at or facts.last_at or run.created_at
    told = (" by ", strong(by), f": {_quoted(facts.paused['reason'])}") if by else (".",)
    then = " What it asks can be answered." if facts.question else ""
    return say("Paused since ", since, *told, " It does nothing until it is let go on.", then)


def _done(facts: Facts) -> Sentence:
    run = facts.run
    took = spoken((run.ended_at or run.created_at) - run.created_at)
    if facts.kept is None:
        return say(f"Finished after {took}.")
    done = [counted(facts.kept, "step")] if facts.kept else []
    done += [f"{counted(facts.answers, 'question')} to people"] if facts.answers else []
    return say(f"Finished after {took}: ", listed(done) or "nothing to do", ".")


def _failed(facts: Facts) -> Sentence:
    error = _error(facts.run)
    if error["type"] == "StepFailedError" and ": " in error["message"]:
        step, _, message = error["message"].partition(": ")
        return say("Failed in ", code(step), ": ", _ended(message), _kept(facts))
    return say("Failed: ", _ended(_fault(error["type"], error["message"])), _kept(facts))


def _cancelled(facts: Facts) -> Sentence:
    if not facts.cancelled:
        return say("Cancelled.", _kept(facts))
    reason = _quoted(facts.cancelled["reason"])
    is_forced = facts.cancelled.get("forced", False)
    ended, undone = ("Ended at once", " Nothing was undone.") if is_forced else ("Cancelled", "")
    by = strong(facts.cancelled["by"])
    return say(f"{ended} by ", by, f": {reason}{undone}", _kept(facts))


def _quarantined(facts: Facts) -> Sentence:
    error = _error(facts.run)
    return say("Cannot go on: ", _ended(error["message"]), f" {error.get('remedy', '')}")


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
    if facts.kept is None:
        return ""
    return f" {counted(facts.kept, 'step')} kept." if facts.kept else " No step is kept."


def _error(run: Run) -> dict[str, Any]:
    return canonical.plain(run.error) if run.error else {"type": "Error", "message": ""}


def _fault(kind: str, message: str) -> str:
    """An error by its type and words; one of the engine's own says all in its words."""
    words = message if kind in SPEAKING else ": ".join(filter(None, [kind, message]))
    return shortened(words, LONGEST_FAULT)


def _ended(message: str) -> str:
    message = shortened(message, LONGEST_FAULT)
    return message if message.endswith((".", "!", "?", "…")) else f"{message}."


def _quoted(reason: str) -> str:
    """What somebody wrote, as the end of a sentence."""
    reason = shortened(reason, LONGEST_REASON)
    return f"“{reason}”" if reason.endswith((".", "!", "?", "…")) else f"“{reason}”."


def _prompt(prompt: str) -> str:
    return shortened(prompt, LONGEST_PROMPT)

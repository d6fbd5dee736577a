"""People in a test: functions that receive a question and return an answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from procedures.engine.errors import AnswerError, OptionError
from procedures.engine.journal.events import closing
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.standing import MOST_USES, NOT_OFFERED, is_offered
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.values.attachments import files_in
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.files import File
from procedures.engine.values.options import (
    check_function,
    check_json,
    check_kind,
    check_text,
    with_fields,
    with_options,
)
from procedures.testing.given import Given, as_answer, without_files

AT_ONCE = timedelta(0)
FILES = 'a list such as [Given("orders.csv", text)]'


class NobodyKnowsError(AssertionError):
    """A question to which a test's people have no answer."""

    def __init__(self, asked: "Asked", who: str) -> None:
        super().__init__(
            f"{who} has no answer to {asked.prompt!r}"
            f" ({asked.kind}, {asked.key!r}). To leave it unanswered, give None as the answer."
        )


SIGNAL, SPOKEN = "signal", "message"
"""The values of `Asked.kind` for waits without a request: `ctx.signal` and `ctx.converse`."""


@dataclass(frozen=True)
class Asked:
    """A request to people, a signal, or a message, for which a run is waiting."""

    run_id: str
    key: str
    """The name of the wait."""
    kind: str
    """The kind of the request, "signal", or "message" for `ctx.converse`."""
    prompt: str
    """The prompt, the text of `ctx.converse`, or the name of the signal."""
    at: datetime
    question: Question | None = field(default=None, repr=False)
    """The question with its evidence; None for a signal or a message."""

    @property
    def is_signal(self) -> bool:
        """True for a wait for a signal."""
        return self.question is None and self.kind == SIGNAL

    @property
    def is_message(self) -> bool:
        """True for a wait of `ctx.converse`."""
        return self.question is None and self.kind == SPOKEN


def asked_of(run_id: str, key: str, wait: Mapping[str, Any], *, at: datetime) -> Asked:
    if wait["wait"] == "signal" and wait["signal"] == MESSAGE:
        return Asked(run_id, key, SPOKEN, wait["text"], at)
    if wait["wait"] == "signal":
        return Asked(run_id, key, SIGNAL, wait["signal"], at)
    question = Question.from_json(wait)
    return Asked(run_id, key, question.kind, question.prompt, at, question)


@dataclass(frozen=True)
class RefusedAnswer:
    """An answer or signal that was refused, as a form would refuse it; the question stayed open."""

    asked: Asked
    message: str
    """The message for the person who answered."""


@with_fields("Answer")
@dataclass(frozen=True)
class Answer:
    """A person's answer: the value, who gives it, and how long they take.

    With `asks_back`, the person writes that text instead of an answer. `also` is the number of
    later, similar questions, at most 50, that the answer also decides; the question must be
    `repeatable`.
    """

    value: Any = None
    by: str = ""
    comment: str = ""
    after: Duration | None = None
    asks_back: str = ""
    also: int = 0

    def __post_init__(self) -> None:
        check_json("value of an Answer", without_files(self.value))
        check_said("by= of an Answer", self.by)
        check_said("comment= of an Answer", self.comment)
        check_said("asks_back= of an Answer", self.asks_back)
        if self.after is not None:
            _length(self.after, "after= of an Answer")
        check_kind("also= of an Answer", self.also, int, f"a number from 0 to {MOST_USES}")
        if not 0 <= self.also <= MOST_USES:
            words = f"must be a number from 0 to {MOST_USES}, not {self.also}"
            raise OptionError(f"also= of an Answer {words}.")


People = Callable[[Asked], Any]
"""A function that takes a question and returns a value, an `Answer`, or None for silence.

For a review the value is yes, no, one of its decisions, or the edited draft.
"""


def approve_all(asked: Asked) -> bool:
    """Answer yes to every approval and review."""
    return _yes_or_no(asked, "approve_all", yes=True)


def reject_all(asked: Asked) -> bool:
    """Answer no to every approval and review."""
    return _yes_or_no(asked, "reject_all", yes=False)


def silent(_: Asked) -> None:
    """Answer nothing, so that time passes."""


@dataclass(frozen=True)
class Remark:
    """A message that somebody writes to the run without being asked."""

    text: str
    by: str
    after: timedelta
    """The time since the start of the run."""
    steers: bool = False
    """True if the message is written to the step that is running."""
    files: tuple[Given, ...] = ()
    """The files that are sent with the message."""


@with_options("say")
def say(
    text: str,
    *,
    after: Duration = 0,
    by: str = "somebody",
    steers: bool = False,
    files: Sequence[Given] = (),
) -> Remark:
    """Return a message that `by` writes to the run `after` its start, for `says=`.

    With `steers=True`, the message is written to the step that is running. `files` is a list of
    `Given` files.
    """
    check_said("text= of say", text)
    check_kind("steers= of say", steers, bool, "True or False")
    check_kind("files= of say", files, list | tuple, FILES)
    for one in files:
        check_kind("files= of say", one, Given, FILES)
    after = _length(after, "after= of say")
    return Remark(text, check_said("by= of say", by), after, steers, tuple(files))


def check_remarks(of: str, says: object) -> None:
    """Raise `OptionError` unless `says` is a list or tuple of remarks."""
    check_kind(of, says, list | tuple, 'a list such as [say("Stop.")]')
    for one in says:  # type: ignore[attr-defined]  # looked at just now
        check_kind(of, one, Remark, 'a list such as [say("Stop.")]')


@with_options("script")
def script(answers: Mapping[str, Any]) -> People:
    """Return people who find their answers in `answers` by prompt ("Refund *"), name or kind.

    The first matching entry counts; its answer may also be a function of the question.
    """
    check_kind("answers= of script", answers, Mapping, 'a mapping such as {"Go*": True}')
    for which in answers:
        check_text("Each key in answers= of script", which)

    def answer(asked: Asked) -> Any:
        for which, said in answers.items():
            if which in (asked.key, asked.kind, asked.prompt) or fnmatchcase(asked.prompt, which):
                return said(asked) if callable(said) else said
        raise NobodyKnowsError(asked, "The script")

    return answer


def _yes_or_no(asked: Asked, who: str, *, yes: bool) -> bool:
    if not (asked.question and asked.question.rules.takes_yes_or_no):
        raise NobodyKnowsError(asked, who)
    return yes


@dataclass(frozen=True)
class Manner:
    """The people who answer in a rehearsal, with their default name and delay."""

    people: People = silent
    by: str = "somebody"
    after: timedelta = AT_ONCE

    def answer(self, asked: Asked) -> "Said | None":
        """Return these people's answer to a question, or None if they stay silent."""
        said = self.people(asked)
        if said is None:
            return None
        answer = said if isinstance(said, Answer) else Answer(said)
        after = self.after
        if answer.after is not None:
            after = _length(answer.after, "after= of an Answer")
        by = answer.by or self.by
        question = asked.question
        if answer.also and (question is None or answer.asks_back or not is_offered(question)):
            raise AnswerError(NOT_OFFERED)
        if asked.is_message:
            check_text("An answer to ctx.converse", answer.value)
        if question is None:
            return Said(asked, {"value": answer.value, "by": by}, asked.at + after)
        if answer.asks_back:
            question.check_ask_back(answer.asks_back)
            outcome = Outcome.CHANGES_REQUESTED
            content = closing(outcome, None, responder=by, comment=answer.asks_back)
            return Said(asked, content, asked.at + after)
        meant = question.rules.read_said(question, answer.value)
        given = as_answer(meant)
        value = question.check(given)
        question.check_comment(value, answer.comment)
        outcome = question.outcome_of(value)
        content = closing(outcome, value, responder=by, comment=answer.comment)
        return Said(asked, content, asked.at + after, tuple(files_in(given)), also=answer.also)


@dataclass(frozen=True)
class Said:
    """An answer that will reach the run at a later time."""

    asked: Asked
    content: dict[str, Any]
    at: datetime
    files: tuple[File, ...] = ()
    """The files in the answer."""
    also: int = 0
    """The number of later questions that the answer also decides."""
    is_final: bool = False
    """True if nobody can undo the answer, whatever the question says."""


MANNER: ContextVar[Manner] = ContextVar("manner", default=Manner())  # noqa: B039 (it is frozen)


@with_options("humans")
@contextmanager
def humans(people: People, *, after: Duration = 0, by: str = "somebody") -> Iterator[None]:
    """Let these people answer questions asked in the block, each with the delay `after`."""
    check_people("people= of humans", people)
    manner = Manner(people, check_said("by= of humans", by), _length(after, "after= of humans"))
    token = MANNER.set(manner)
    try:
        yield
    finally:
        MANNER.reset(token)


def check_people(of: str, people: object) -> None:
    """Raise `OptionError` unless `people` is a function of one argument, the question."""
    check_function(of, people, "asked")


def check_said(of: str, value: object) -> str:
    """Return the text; raise `OptionError` for other types and for unpaired surrogates."""
    check_json(of, told := check_text(of, value))
    return told


def _length(after: Duration, of: str) -> timedelta:
    return parse_duration(after, shortest=AT_ONCE, of=of)

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
from procedures.testing.given import GivenFile, as_answer, without_files

AT_ONCE = timedelta(0)
FILES = 'a list such as [GivenFile("orders.csv", text)]'


class NobodyKnowsError(AssertionError):
    """A test's people have no answer to a question."""

    def __init__(self, asked: "AskedWait", who: str) -> None:
        super().__init__(
            f"{who} has no answer to {asked.prompt!r}"
            f" ({asked.kind}, {asked.key!r}). To leave it unanswered, give None as the answer."
        )


SIGNAL, SPOKEN = "signal", "message"
"""The values of `AskedWait.kind` for waits without a request: `ctx.signal` and `ctx.converse`."""


@dataclass(frozen=True)
class AskedWait:
    """An open wait of a run: for a signal, for a message, or for the answer to a request."""

    run_id: str
    key: str
    """The key of the wait: "approve", or "approve#2" for the second one of that name."""
    kind: str
    """The kind of the request ("approval"), "signal" for `ctx.signal`, "message" for
    `ctx.converse`."""
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


def asked_of(run_id: str, key: str, wait: Mapping[str, Any], *, at: datetime) -> AskedWait:
    if wait["wait"] == "signal" and wait["signal"] == MESSAGE:
        return AskedWait(run_id, key, SPOKEN, wait["text"], at)
    if wait["wait"] == "signal":
        return AskedWait(run_id, key, SIGNAL, wait["signal"], at)
    question = Question.from_json(wait)
    return AskedWait(run_id, key, question.kind, question.prompt, at, question)


@dataclass(frozen=True)
class RefusedAnswer:
    """An answer that didn't fit the question, or a signal that didn't fit its type.

    The question stayed open, as after a form with faults.
    """

    asked: AskedWait
    message: str
    """The message for the person who answered."""


@with_fields("Answer")
@dataclass(frozen=True)
class Answer:
    """A person's answer: the value, who gives it, and how long they take.

    With `asks_back`, the person sends the question back with this text. `also` is the number of
    later, similar questions, at most 50, that the answer decides as well; the question must be
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


People = Callable[[AskedWait], Any]
"""A function that receives an `AskedWait` and returns a value, an `Answer`, or None for silence.

The value for a review is True, False, one of its decisions ("approve"), or the edited draft.
"""


def approve_all(asked: AskedWait) -> bool:
    """Approve each approval and review; raise `NobodyKnowsError` for other questions."""
    return _yes_or_no(asked, "approve_all", yes=True)


def reject_all(asked: AskedWait) -> bool:
    """Reject each approval and review; raise `NobodyKnowsError` for other questions."""
    return _yes_or_no(asked, "reject_all", yes=False)


def silent(_: AskedWait) -> None:
    """Leave every question unanswered, so that its deadline passes."""


@dataclass(frozen=True)
class UnaskedMessage:
    """A message that somebody writes to the run without having been asked."""

    text: str
    by: str
    after: timedelta
    """The time after the start of the run at which the message is written."""
    steers: bool = False
    """True if the message is written to the step that is running then."""
    files: tuple[GivenFile, ...] = ()
    """The files that are sent with the message."""


@with_options("say")
def say(
    text: str,
    *,
    after: Duration = 0,
    by: str = "somebody",
    steers: bool = False,
    files: Sequence[GivenFile] = (),
) -> UnaskedMessage:
    """Return a message for `says=`, which the person `by` writes to the run.

    The message is written when the time `after` has passed since the run's start. With
    `steers=True`, it is written to the step that is running then. `files` is a list of `GivenFile`
    files.
    """
    check_said("text= of say", text)
    check_kind("steers= of say", steers, bool, "True or False")
    check_kind("files= of say", files, list | tuple, FILES)
    for one in files:
        check_kind("files= of say", one, GivenFile, FILES)
    after = _length(after, "after= of say")
    return UnaskedMessage(text, check_said("by= of say", by), after, steers, tuple(files))


def check_remarks(of: str, says: object) -> None:
    """Raise `OptionError` unless `says` is a list or tuple of what `say` returns."""
    check_kind(of, says, list | tuple, 'a list such as [say("Stop.")]')
    for one in says:  # type: ignore[attr-defined]  # looked at just now
        check_kind(of, one, UnaskedMessage, 'a list such as [say("Stop.")]')


@with_options("script")
def script(answers: Mapping[str, Any]) -> People:
    """Return people who take their answers from a mapping: `{"Refund *": True}`.

    Each key is the prompt of a question, a pattern for prompts with `*` and `?`, the key of a wait,
    or a kind such as "approval". The first key that matches counts. A value is the answer, or a
    function that receives the `AskedWait` and returns the answer. The people raise
    `NobodyKnowsError` if no key matches.
    """
    check_kind("answers= of script", answers, Mapping, 'a mapping such as {"Go*": True}')
    for which in answers:
        check_text("Each key in answers= of script", which)

    def answer(asked: AskedWait) -> Any:
        for which, answered in answers.items():
            if which in (asked.key, asked.kind, asked.prompt) or fnmatchcase(asked.prompt, which):
                return answered(asked) if callable(answered) else answered
        raise NobodyKnowsError(asked, "The script")

    return answer


def _yes_or_no(asked: AskedWait, who: str, *, yes: bool) -> bool:
    if not (asked.question and asked.question.rules.takes_yes_or_no):
        raise NobodyKnowsError(asked, who)
    return yes


@dataclass(frozen=True)
class Manner:
    """The people who answer in a rehearsal, with the name and delay of answers that set none."""

    people: People = silent
    by: str = "somebody"
    after: timedelta = AT_ONCE

    def answer(self, asked: AskedWait) -> "PendingAnswer | None":
        """Return these people's answer to a question, or None if they stay silent."""
        answered = self.people(asked)
        if answered is None:
            return None
        answer = answered if isinstance(answered, Answer) else Answer(answered)
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
            return PendingAnswer(asked, {"value": answer.value, "by": by}, asked.at + after)
        if answer.asks_back:
            question.check_ask_back(answer.asks_back)
            outcome = Outcome.CHANGES_REQUESTED
            content = closing(outcome, None, responder=by, comment=answer.asks_back)
            return PendingAnswer(asked, content, asked.at + after)
        meant = question.rules.read_said(question, answer.value)
        given = as_answer(meant)
        value = question.check(given)
        question.check_comment(value, answer.comment)
        outcome = question.outcome_of(value)
        content = closing(outcome, value, responder=by, comment=answer.comment)
        return PendingAnswer(
            asked, content, asked.at + after, tuple(files_in(given)), also=answer.also
        )


@dataclass(frozen=True)
class PendingAnswer:
    """An answer that has been given and reaches the run at the time `at`."""

    asked: AskedWait
    content: dict[str, Any]
    at: datetime
    files: tuple[File, ...] = ()
    """The files in the answer."""
    also: int = 0
    """The number of later questions that the answer decides as well."""
    is_final: bool = False
    """True if the answer takes effect at once, even if the question sets a time in which to undo
    it."""


MANNER: ContextVar[Manner] = ContextVar("manner", default=Manner())  # noqa: B039 (it is frozen)


@with_options("humans")
@contextmanager
def humans(people: People, *, after: Duration = 0, by: str = "somebody") -> Iterator[None]:
    """Let these people answer the questions of rehearsals inside the block.

    Each answer comes `after` its question and is given by the person `by`, unless the answer is an
    `Answer` that sets these itself.
    """
    check_people("people= of humans", people)
    manner = Manner(people, check_said("by= of humans", by), _length(after, "after= of humans"))
    token = MANNER.set(manner)
    try:
        yield
    finally:
        MANNER.reset(token)


def check_people(of: str, people: object) -> None:
    """Raise `OptionError` unless `people` is a function with one argument, an `AskedWait`."""
    check_function(of, people, "asked")


def check_said(of: str, value: object) -> str:
    """Return the text; raise `OptionError` for values of other types and unpaired surrogates."""
    check_json(of, checked := check_text(of, value))
    return checked


def _length(after: Duration, of: str) -> timedelta:
    return parse_duration(after, shortest=AT_ONCE, of=of)

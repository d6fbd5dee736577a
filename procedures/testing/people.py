"""People as a test writes them: functions that are shown what is asked, and say something."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from procedures.engine.journal.events import closing
from procedures.engine.kinds.drafts import text_of
from procedures.engine.kinds.questions import Question, RequestKind
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, parse_duration

AT_ONCE = timedelta(0)


class NobodyKnowsError(AssertionError):
    """A test's people were asked what they have no words for."""

    def __init__(self, asked: "Asked", who: str) -> None:
        super().__init__(
            f"{who} does not know what to say to {asked.prompt!r}"
            f" ({asked.kind}, {asked.key!r}); None would say nothing."
        )


@dataclass(frozen=True)
class Asked:
    """Something that a run waits for from outside: an open request, or a signal."""

    run_id: str
    key: str
    """The name of the wait."""
    kind: str
    """A kind of request, or "signal"."""
    prompt: str
    """A signal's is its name."""
    at: datetime
    question: Question | None = field(default=None, repr=False)
    """What people are shown, evidence and all; None for a signal."""


@dataclass(frozen=True)
class Answer:
    """What somebody says, who it is, and how long they take."""

    value: Any
    by: str = ""
    comment: str = ""
    after: Duration | None = None


People = Callable[[Asked], Any]
"""Gives a value, an `Answer`, or None for silence.

For a review: yes, no, one of its decisions, or the edited draft.
"""


def approve_all(asked: Asked) -> bool:
    """Yes to every approval and review."""
    return _yes_or_no(asked, "approve_all", yes=True)


def reject_all(asked: Asked) -> bool:
    """No to every approval and review."""
    return _yes_or_no(asked, "reject_all", yes=False)


def silent(_: Asked) -> None:
    """Nobody says anything: time passes."""


def script(answers: Mapping[str, Any]) -> People:
    """People who go by a list: what is said, by prompt ("Refund *"), name, or kind.

    The first that fits counts; what is said may be a function of what is asked, too.
    """

    def say(asked: Asked) -> Any:
        for which, said in answers.items():
            if which in (asked.key, asked.kind, asked.prompt) or fnmatchcase(asked.prompt, which):
                return said(asked) if callable(said) else said
        raise NobodyKnowsError(asked, "The script")

    return say


def _yes_or_no(asked: Asked, who: str, *, yes: bool) -> bool:
    if asked.kind not in (RequestKind.APPROVAL, RequestKind.REVIEW):
        raise NobodyKnowsError(asked, who)
    return yes


@dataclass(frozen=True)
class Manner:
    """Who answers where nothing else is said, as whom, and after how long."""

    people: People = silent
    by: str = "somebody"
    after: timedelta = AT_ONCE

    def answer(self, asked: Asked) -> "Said | None":
        """What these people say to it; None when they say nothing."""
        said = self.people(asked)
        if said is None:
            return None
        answer = said if isinstance(said, Answer) else Answer(said)
        after = self.after if answer.after is None else _length(answer.after)
        by = answer.by or self.by
        if asked.question is None:
            return Said(asked, {"value": answer.value, "by": by}, asked.at + after)
        value = asked.question.check(canonical.jsonable(_as_asked(asked.question, answer.value)))
        outcome = asked.question.outcome_of(value)
        content = closing(outcome, value, responder=by, comment=answer.comment)
        return Said(asked, content, asked.at + after)


@dataclass(frozen=True)
class Said:
    """An answer on its way."""

    asked: Asked
    content: dict[str, Any]
    at: datetime


MANNER: ContextVar[Manner] = ContextVar("manner", default=Manner())  # noqa: B039 (it is frozen)


@contextmanager
def humans(people: People, *, after: Duration = 0, by: str = "somebody") -> Iterator[None]:
    """Inside the block these people answer, that long after they are asked."""
    token = MANNER.set(Manner(people, by, _length(after)))
    try:
        yield
    finally:
        MANNER.reset(token)


def _length(after: Duration) -> timedelta:
    return parse_duration(after) if after else AT_ONCE


def _as_asked(question: Question, value: Any) -> Any:
    """A value as the form would send it."""
    if question.kind == RequestKind.REVIEW:
        return _reviewed(question, value)
    if question.kind == RequestKind.CHOICE:
        chosen = [_option(question, one) for one in (value if isinstance(value, list) else [value])]
        return chosen if isinstance(value, list) else chosen[0]
    return value


def _reviewed(question: Question, value: Any) -> Any:
    """Yes, no, a decision by its name or label, or the draft as it was edited."""
    approving, *others = question.decisions
    if isinstance(value, bool):
        return {"decision": approving if value or not others else others[0]}
    by_label = {label: name for name, label in question.decisions.items() if question.labels}
    named = {**by_label, **{name: name for name in question.labels}}
    if isinstance(value, str) and value in named:
        return {"decision": named[value]}
    if isinstance(value, Mapping) and "decision" in value and set(value) <= {"decision", "text"}:
        text = value.get("text")
        return value if text is None else {**value, "text": text_of(text)}
    return {"decision": approving, "text": text_of(value)}


def _option(question: Question, value: Any) -> Any:
    """An option, given as it is or by its label."""
    by_label = {label: option for option, label in question.labels.items()}
    return value if value in question.labels else by_label.get(str(value), value)

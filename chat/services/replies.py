"""Typed words read as answers: only unambiguous ones count."""

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.kinds.questions import DEFAULT_LABELS, Question, RequestKind
from procedures.engine.values.reading import plain_int

YES = {"yes", "y", "ok", "okay", "approve", "approved"}
NO = {"no", "n", "reject", "rejected"}
SOLVED = {"resolved", "solved", "done", "fixed"}


class NoReplyError(EngineError):
    """Words that answer nothing, or could mean several answers."""


@dataclass(frozen=True)
class Reading:
    """The answer that typed words stand for."""

    value: Any
    is_literal: bool
    """Whether the words are the author's own label, or the answer itself, and mean nothing else.

    All others ("ok", the number of an option) count only after their writer has seen what they mean
    and has sent them again.
    """


def read_reply(question: Question, text: str) -> Any:
    """Return the answer the words stand for; raises `NoReplyError` or `AnswerError`."""
    return reading_of(question, text).value


def reading_of(question: Question, text: str) -> Reading:
    """Return the answer and whether it is literal; raises as `read_reply` does."""
    reading = READERS[question.kind](question, text.strip())
    return replace(reading, value=question.check(reading.value))


def _approval(question: Question, text: str) -> Reading:
    own = [value for value, word in question.labels.items() if _plain(word) == _plain(text)]
    if len(own) == 1:
        is_literal = question.labels[own[0]] != DEFAULT_LABELS[own[0]]
        return Reading(own[0] == "true", is_literal)
    return Reading(_yes_or_no(text), is_literal=False)


def _yes_or_no(text: str) -> bool:
    if _plain(text) in YES:
        return True
    if _plain(text) in NO:
        return False
    raise NoReplyError("Say yes or no.")


def _review(question: Question, text: str) -> Reading:
    approving, *others = question.decisions
    own = {_plain(name): name for name in question.labels}
    own |= {_plain(label): name for name, label in question.labels.items()}
    if decision := own.get(_plain(text)):
        return Reading({"decision": decision}, is_literal=True)
    is_yes = _yes_or_no(text) if len(others) == 1 else _plain(text) in YES
    if not is_yes and len(others) != 1:
        words = ", ".join(question.decisions.values())
        raise NoReplyError(f"Say one of these: {words}.")
    return Reading({"decision": approving if is_yes else others[0]}, is_literal=False)


def _choice(question: Question, text: str) -> Reading:
    if question.schema.get("type") != "array":
        return _option(question, text)
    with suppress(NoReplyError):
        one = _option(question, text)
        return Reading([one.value], one.is_literal)
    chosen = [_option(question, part) for part in text.split(",")]
    return Reading([one.value for one in chosen], all(one.is_literal for one in chosen))


def _option(question: Question, text: str) -> Reading:
    """Return the option named by value, label or number; an ambiguous name matches none."""
    wanted = _plain(text)
    fits = {
        value: wanted == _plain(label)
        for number, (value, label) in enumerate(options_of(question).items(), start=1)
        if wanted in {_plain(value), _plain(label), str(number)}
    }
    if len(fits) == 1:
        return Reading(*fits.popitem())
    what = "That could be more than one" if fits else "That is none of them"
    raise NoReplyError(f"{what}: say one of the options, or its number.")


def read_choice(question: Question, text: str) -> str | list[str]:
    """Return the options named by value, label or number; raises `AnswerError` otherwise."""
    try:
        value: str | list[str] = _choice(question, text).value
    except NoReplyError as error:
        raise AnswerError(str(error)) from None
    return value


def options_of(question: Question) -> dict[str, str]:
    """Return a choice's values and their labels, in the author's order."""
    one = question.schema.get("items", question.schema)
    return {value: question.labels.get(value, value) for value in one["enum"]}


def _escalation(_: Question, text: str) -> Reading:
    """Accept only words that begin with "resolved": people also discuss a problem."""
    if re.split(r"\W", text.casefold(), maxsplit=1)[0] in SOLVED:
        return Reading(text, is_literal=False)
    raise NoReplyError("Begin with “resolved”, and say what was done.")


def _form(_: Question, __: str) -> NoReturn:
    raise NoReplyError("It asks several things at once: fill in its form.")


def _input(question: Question, text: str) -> Reading:
    return Reading(read_text(question, text), question.schema.get("type") != "boolean")


def read_text(question: Question, text: str) -> Any:
    """Return typed text as the value that an input's schema requires."""
    kind = question.schema.get("type")
    if kind == "boolean":
        return _yes_or_no(text)
    if kind == "integer":
        return _whole_number(text)
    return text  # a decimal as a text keeps every digit


def _whole_number(text: str) -> int:
    try:
        return plain_int(text)
    except ValueError:
        raise AnswerError("The answer must be a whole number.") from None


def _plain(text: str) -> str:
    """Return the text without differences in case, blanks, a full stop or accents' encoding."""
    plain = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return plain.rstrip(".!") or plain


READERS: dict[RequestKind, Callable[[Question, str], Reading]] = {
    RequestKind.APPROVAL: _approval,
    RequestKind.INPUT: _input,
    RequestKind.CHOICE: _choice,
    RequestKind.REVIEW: _review,
    RequestKind.FORM: _form,
    RequestKind.ESCALATION: _escalation,
}

"""Kinds of requests; one object holds everything that differs between one kind and another."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from procedures.engine.errors import AnswerError, OptionError, QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Fields, Texts, read_controls
from procedures.engine.kinds.words import NoReplyError, Reading, read_text
from procedures.engine.values import canonical, schemas
from procedures.engine.values.answers import check_answer, check_form
from procedures.engine.values.spelling import meant, short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

K = TypeVar("K", bound="type[Kind]")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
YES_OR_NO = "yes, no, or a message"


class Outcome(StrEnum):
    """The end of a request."""

    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    EDITED = "edited"
    DEFAULTED = "defaulted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Terms:
    """The terms of one request: its schema, words, draft and assignees."""

    schema: dict[str, Any]
    """JSON Schema (2020-12) of the value of an answer."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Labels of values: {"true": "Refund 31.20 €"}, or an option's own."""
    draft: str | None = None
    """The text under review; for data its JSON."""
    assign: str | Sequence[str] = ()
    """The assignees where the author names nobody; empty for the procedure's answerers."""
    type: Any = Any
    """The type of the value that the procedure gets."""


class Kind:
    """A kind of request: its schema, check and outcome, its words and its controls.

    A kind must define `name` and `ask`. The defaults of everything else suit an answer that is one
    value or, if its schema has fields, an object. Its instances hold no state.
    """

    name: ClassVar[str]
    """Its name in `ctx.request` and in everything that is kept, such as "approval"."""
    verb: ClassVar[str] = ""
    """The name of a wait of this kind if the author gives none; "" for the kind's own name."""
    badge: ClassVar[str] = ""
    """A word that marks its cards, such as "Problem"; "" for none."""
    approves: ClassVar[bool] = False
    """True if its answer can approve a step by `approved_by=`."""
    takes_yes_or_no: ClassVar[bool] = False
    """True if a test's people can answer it with True or False."""
    held_as: ClassVar[str] = ""
    """The name of the value in a driver's message, as in {"approved": true}."""

    # Asking

    def ask(self, prompt: str, *args: Any, **options: Any) -> Terms:
        """Return the terms of a request. The kind's own options are this method's parameters.

        Raises `QuestionError` for options that nobody could answer.
        """
        raise NotImplementedError

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.ask)

    @cached_property
    def options(self) -> frozenset[str]:
        """The names of the kind's own options."""
        _, *own = self.signature.parameters
        return frozenset(own)

    def has_fields(self, question: "Question") -> bool:
        """Return True if the answer is an object of fields, in the author's order."""
        return "properties" in question.schema

    def check_default(self, question: "Question", default: Any) -> Any:
        """Return the default if it has the type of an answer; else raise `QuestionError`.

        Rules that bind people do not bind the author.
        """
        try:
            if self.has_fields(question):
                return self.check(question, default)
            return check_answer(default, schemas.without_rules(question.schema))
        except AnswerError as error:
            raise QuestionError(
                f"{question.prompt!r}: the default isn't a valid answer: {error}"
            ) from None

    # Answers

    def check(self, question: "Question", value: Any) -> Any:
        """Return the value of a valid answer; else raise `AnswerError`."""
        if self.has_fields(question):
            return check_form(question.completed(value), question.schema)
        return check_answer(value, question.schema)

    def outcome_of(self, question: "Question", value: Any) -> Outcome:
        """Return the outcome of a checked answer."""
        return Outcome.ANSWERED

    def decisions(self, question: "Question") -> dict[str, str]:
        """Return the decisions besides the value, with their words; the first one approves."""
        return {}

    def result_of(self, question: "Question", value: Any) -> tuple[Any, str]:
        """Return the value and the decision that the procedure gets for a kept answer."""
        return value, ""

    # Words

    def read_words(self, question: "Question", text: str) -> Reading:
        """Return the answer that words typed in the chat give.

        Raises `NoReplyError` for words that aren't an answer or could mean several, and
        `AnswerError` for an invalid one.
        """
        if self.has_fields(question):
            raise NoReplyError("This request asks for several values. Fill in its form.")
        is_literal = question.schema.get("type") != "boolean"
        return Reading(read_text(question.schema, text), is_literal)

    def typing_hint(self, question: "Question") -> str:
        """Return what people may type to answer, as a phrase."""
        if self.has_fields(question):
            return "a message: the form is above"
        return YES_OR_NO if question.schema.get("type") == "boolean" else "your answer"

    def label_of(self, question: "Question", value: Any) -> str:
        """Return a value in the author's words if there are some."""
        if self.has_fields(question) and isinstance(value, Mapping):
            return " · ".join(
                f"{name}: {', '.join(said.splitlines()) or '—'}"
                for name, said in question.answers(value)
            )
        if isinstance(value, list):
            return ", ".join(self.label_of(question, one) for one in value)
        text = value if isinstance(value, str) else canonical.text_of(value)
        return question.labels.get(text, text)

    def meaning_of(self, question: "Question", value: Any) -> str:
        """Return what typed words would answer, as the buttons call it."""
        if isinstance(value, bool) and not question.labels:
            return "Yes" if value else "No"
        return self.label_of(question, value)

    def result_words(self, question: "Question", outcome: str, value: Any) -> str:
        """Return how a closed request ended, as a title, or "" for the outcome's usual words."""
        return ""

    def short_answer(self, question: "Question", value: Any) -> str:
        """Return the answer in one line, beside its outcome, or "" if it is shown in full."""
        return "" if self.has_fields(question) else self.label_of(question, value)

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        """Return the part of an answer that others may read in a sentence about it, or "".

        Texts that somebody wrote are only for those who asked.
        """
        return ""

    # Where it is answered

    def controls(self, question: "Question") -> list[Control]:
        """Return the controls people answer with, in the order of a page."""
        return [Fields(schema=question.schema), Buttons()]

    def read_controls(self, question: "Question", texts: Texts) -> Any:
        """Return the answer that a page has sent; raise `AnswerError` if its texts aren't valid."""
        return read_controls(self.controls(question), texts)

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the answer that a test's people mean, such as an option by its label."""
        return value

    def read_message(self, question: "Question", message: Mapping[str, Any]) -> tuple[Any, str]:
        """Return the answer and the comment in a driver's message."""
        if self.held_as and list(message) == [self.held_as]:
            return message[self.held_as], ""
        return message, ""


class MissingKind(Kind):
    """A stand-in for a kind whose code is missing: its requests can be read, but not answered."""

    def __init__(self, name: str) -> None:
        self.missing = name

    def check(self, question: "Question", value: Any) -> Any:
        raise AnswerError(
            f"Requests of the kind {self.missing!r} can't be answered here. {NAME_IT}"
        )

    def read_words(self, question: "Question", text: str) -> Reading:
        raise NoReplyError(f"Requests of the kind {self.missing!r} can't be answered here.")


NAME_IT = "Its class must be listed in REQUEST_KINDS."
KINDS: dict[str, Kind] = {}
"""The kinds known in this process, by name."""


def register_kind(kind: K) -> K:
    """Register a kind in this process, so that `ctx.request` can ask it.

    Doing so twice is harmless.

    Sites name their kinds in REQUEST_KINDS instead. Raises `ValueError` for a kind without a plain
    name, or with the name of another one.
    """
    given: object = kind
    if not (isinstance(given, type) and issubclass(given, Kind)):
        raise ValueError(f"{short_repr(kind)} isn't a class of procedures.engine.kinds.Kind.")  # noqa: TRY004
    name = getattr(kind, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(
            f"The name of {kind.__name__} must have 1 to 40 lowercase letters, digits and _, "
            f"not {name!r}."
        )
    known = KINDS.get(name)
    # By its place and not by the class itself: a module that is loaded again defines the same kind
    # as another class.
    if known and _place_of(type(known)) != _place_of(kind):
        raise ValueError(f"Two kinds of requests have the name {name!r}.")
    KINDS[name] = kind()
    return kind


def find_kind(name: str) -> Kind:
    """Return the kind of a kept request, or a `MissingKind` if its code is not here."""
    return KINDS.get(name) or MissingKind(name)


def known_kind(name: object) -> Kind:
    """Return the kind an author asks for; raise `OptionError` for an unknown one."""
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]
    near = meant(name, KINDS) if isinstance(name, str) else ""
    known = f"The kinds are {', '.join(sorted(KINDS))}."
    raise OptionError(f"Unknown kind of request {short_repr(name)}.{near} {known}")


def _place_of(kind: type[Kind]) -> tuple[str, str]:
    """Return the place of a kind's definition, the same if its module is loaded again."""
    return kind.__module__, kind.__qualname__

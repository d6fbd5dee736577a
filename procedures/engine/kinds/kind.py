"""The base class of the kinds of requests, and the registry of the kinds in this process."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from procedures.engine.errors import AnswerError, OptionError, QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Fields, read_controls
from procedures.engine.kinds.words import NoReplyError, Reading, read_text
from procedures.engine.values import canonical, schemas
from procedures.engine.values.answers import check_answer, check_form
from procedures.engine.values.definitions import checked_name, is_same_definition
from procedures.engine.values.spelling import meant, short_repr
from procedures.engine.values.typed import Texts

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

K = TypeVar("K", bound="type[Kind]")
LONGEST_NAME = 40
YES_OR_NO = "yes, no, or a message"


class Outcome(StrEnum):
    """The way in which a request ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    EDITED = "edited"
    CHANGES_REQUESTED = "changes_requested"
    DEFAULTED = "defaulted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Terms:
    """The parts of a question that its kind provides: schema, labels, draft, usual assignees."""

    schema: dict[str, Any]
    """The JSON Schema (2020-12) of an answer's value."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Labels by value, such as {"true": "Refund 31.20 €"}; a choice has a label for each option."""
    draft: str | None = None
    """The text under review, or the JSON of the data under review; None for other kinds."""
    descriptions: Mapping[str, Any] = field(default_factory=dict)
    """Descriptions of options by value, shown below their labels."""
    shown_as: str = ""
    """The way in which the draft is shown: a name in `drafts.WAYS`; "" for the usual way."""
    assign: str | Sequence[str] = ()
    """The assignees if the author names none; empty to ask the procedure's answerers."""
    type: Any = Any
    """The type in which the procedure gets the answer's value."""


class Kind:
    """A kind of request: its schema, validation, outcomes, wording and controls.

    A subclass must define `name` and `ask`. The other methods have defaults, which suit answers
    that are a single value or an object of fields, as the schema says. Instances hold no state.
    """

    name: ClassVar[str]
    """The name of the kind in `ctx.request` and in stored data, such as "approval"."""
    verb: ClassVar[str] = ""
    """The default name of a wait of this kind; "" to use the kind's own name."""
    badge: ClassVar[str] = ""
    """A word shown on the cards of this kind, such as "Problem"; "" for none."""
    approves: ClassVar[bool] = False
    """True if an answer of this kind can approve a step, as `approved_by=` of `ctx.step`."""
    takes_yes_or_no: ClassVar[bool] = False
    """True if tests may write the answer as True or False."""
    default_labels: ClassVar[Mapping[str, str]] = {}
    """The labels of values that the kind uses if the author gives none."""
    goes_back: ClassVar[bool] = False
    """True if an answer that changes values goes back to the others where several decide."""
    held_as: ClassVar[str] = ""
    """The name of the answer's value in a driver's message, as in {"approved": true}."""

    # Asking

    def ask(self, prompt: str, *args: Any, **options: Any) -> Terms:
        """Return the `Terms` of a request; parameters after the prompt are the kind's own options.

        Raises `QuestionError` for options with which nobody could answer.
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
        """Return True if an answer is an object of fields, which stay in the author's order."""
        return "properties" in question.schema

    def check_default(self, question: "Question", default: Any) -> Any:
        """Return the default if it has the type of an answer; else raise `QuestionError`.

        Limits on a single value, such as a minimum, apply to people's answers but not to the
        default.
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
        """Return the possible decisions with their labels; kinds without decisions return {}.

        If the kind approves or rejects, the first decision approves.
        """
        return {}

    def decision_of(self, question: "Question", value: Any) -> str:
        """Return the name of the decision that a checked answer makes; "" without decisions."""
        return ""

    def takes_votes(self, question: "Question") -> bool:
        """Return True if several people can vote on the question."""
        return False

    def changed_by(self, question: "Question", value: Any) -> "Question":
        """Return the question with the values of an answer that goes back to the others."""
        return question

    def restated(self, question: "Question", changed: "Question", value: Any) -> Any:
        """Return a checked answer to a changed question as an answer to the original question."""
        return value

    def result_of(self, question: "Question", value: Any) -> tuple[Any, str]:
        """Return the value and the decision that the procedure gets for a stored answer."""
        return value, ""

    # The approved step

    def approved_evidence(self, question: "Question", value: Any) -> Any:
        """Return the evidence of the step that an approving answer with this value approves."""
        return question.evidence

    def asked_again(self, question: "Question", evidence: Any) -> "Question":
        """Return the question with other evidence; nobody can ask back about it."""
        return replace(question, evidence=evidence, ask_back=False)

    def alike_schema(self, question: "Question") -> dict[str, Any]:
        """Return the part of the schema that a later question must share for an answer to count."""
        return question.schema

    # Wording

    def read_words(self, question: "Question", text: str) -> Reading:
        """Return the answer that a message typed in the chat stands for.

        Raises `NoReplyError` if the message isn't an answer or is ambiguous, and `AnswerError` if
        the answer is invalid.
        """
        if self.has_fields(question):
            raise NoReplyError("This request asks for several values. Fill in its form.")
        is_literal = question.schema.get("type") != "boolean"
        return Reading(read_text(question.schema, text), is_literal)

    def typing_hint(self, question: "Question") -> str:
        """Return a phrase for what people may type as an answer, such as "your answer"."""
        if self.has_fields(question):
            return "a message (answer in the form above)"
        return YES_OR_NO if question.schema.get("type") == "boolean" else "your answer"

    def label_of(self, question: "Question", value: Any) -> str:
        """Return the author's label of a value, or the value as text if it has no label."""
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
        """Return the label of the value that a typed message stands for, worded as on a button."""
        if isinstance(value, bool) and not question.labels:
            return "Yes" if value else "No"
        return self.label_of(question, value)

    def result_words(self, question: "Question", outcome: str, value: Any) -> str:
        """Return a title for how a closed request ended, or "" to use the title of the outcome."""
        return ""

    def short_answer(self, question: "Question", value: Any) -> str:
        """Return the answer on one line, to show with its outcome, or "" if it is shown in full."""
        return "" if self.has_fields(question) else self.label_of(question, value)

    def answers(self, question: "Question", value: Any) -> list[tuple[str, str]]:
        """Return the label of each field that an answer sets, with the field's value in words."""
        if not self.has_fields(question) or not isinstance(value, Mapping):
            return []
        return list(schemas.answers(value, question.schema))

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        """Return the part of an answer to show beside a related question; "" to show nothing.

        Texts that people wrote themselves are left out.
        """
        return ""

    # Controls and sent answers

    def controls(self, question: "Question") -> list[Control]:
        """Return the controls with which people answer, in their order on the page."""
        return [Fields(schema=question.schema), Buttons()]

    def read_controls(self, question: "Question", texts: Texts) -> Any:
        """Return the answer that a page has sent; raise `AnswerError` if it is invalid."""
        return read_controls(self.controls(question), texts)

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the full answer for the short form in a test, such as an option's label."""
        return value

    def read_message(self, question: "Question", message: Mapping[str, Any]) -> tuple[Any, str]:
        """Return the answer and the comment in a message from an agent program's driver."""
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


NAME_IT = "The class of this kind must be listed in REQUEST_KINDS."
KINDS: dict[str, Kind] = {}
"""The kinds known in this process, by name."""


def register_kind(kind: K) -> K:
    """Register a kind in this process, so that `ctx.request` can ask it.

    Registering the same kind twice is harmless. Sites list their kinds in REQUEST_KINDS instead of
    calling this function. Raises `ValueError` for a kind with an invalid name, or with the name of
    another kind.
    """
    name = checked_name(kind, Kind, longest=LONGEST_NAME)
    known = KINDS.get(name)
    if known and not is_same_definition(type(known), kind):
        raise ValueError(f"Two kinds of requests have the name {name!r}.")
    KINDS[name] = kind()
    return kind


def find_kind(name: str) -> Kind:
    """Return the kind of a stored request, or a `MissingKind` if this process lacks its code."""
    return KINDS.get(name) or MissingKind(name)


def known_kind(name: object) -> Kind:
    """Return the kind that an author asks for by name; raise `OptionError` for an unknown name."""
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]
    near = meant(name, KINDS) if isinstance(name, str) else ""
    known = f"The kinds are {', '.join(sorted(KINDS))}."
    raise OptionError(f"Unknown kind of request {short_repr(name)}.{near} {known}")

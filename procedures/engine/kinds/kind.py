"""The base class of the kinds of requests, and the registry of the kinds in this process."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from procedures.engine.errors import AnswerError, OptionError, QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Fields, read_controls
from procedures.engine.kinds.words import NoReplyError, TypedAnswer, read_text
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
    """The way in which a request closed, such as "approved", "answered" or "expired"."""

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
    """The parts of a question that depend on the kind of request; `Kind.ask` returns them."""

    schema: dict[str, Any]
    """The JSON Schema (2020-12) that a valid answer matches."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Labels by value, such as {"true": "Refund 31.20 €"}; a choice has a label for each option."""
    draft: str | None = None
    """The text under review, or the JSON of the data or file under review; None for other kinds."""
    descriptions: Mapping[str, Any] = field(default_factory=dict)
    """The lines that are shown below the labels of options, by the value of the option."""
    shown_as: str = ""
    """The format in which the draft is shown, such as "markdown", or "file"; "" for the default."""
    assign: str | Sequence[str] = ()
    """The assignees of this kind of request, if the author names none in `assign=`.

    If `assign` is empty, the procedure's answerers are asked.
    """
    type: Any = Any
    """The type to which an answer's value is converted for the procedure."""


class Kind:
    """A kind of request: the schema, validation, outcomes, wording and controls of its requests.

    A subclass must define `name` and `ask`. By default, the other methods suit an answer that is a
    single value, or an object with a field for each property in the schema. Instances hold no
    state.
    """

    name: ClassVar[str]
    """The name of the kind in `ctx.request` and in the database, such as "approval"."""
    verb: ClassVar[str] = ""
    """The name of a wait for such a request, such as "approve", if the author gives no name.

    If it is "", the wait has the name of the kind.
    """
    badge: ClassVar[str] = ""
    """A word that the cards of these requests show, such as "Problem"; "" for no word."""
    approves: ClassVar[bool] = False
    """True if an answer to such a request can approve a step through the option `approved_by`."""
    takes_yes_or_no: ClassVar[bool] = False
    """True if a test may answer such a request with True or False."""
    default_labels: ClassVar[Mapping[str, str]] = {}
    """The label of each value for which the author gives no label, by value."""
    goes_back: ClassVar[bool] = False
    """True if an answer with changed values makes the request ask the other people again.

    This concerns requests about which several people decide.
    """
    held_as: ClassVar[str] = ""
    """The key of the value in a driver's message without other keys, such as {"approved": true}.

    A driver is a program that runs an agent's code and passes people's answers on as messages.
    """

    # Asking

    def ask(self, prompt: str, *args: Any, **options: Any) -> Terms:
        """Return the `Terms` of a request; parameters after `prompt` are the kind's own options.

        Raises `QuestionError` if nobody could answer the request with the given options.
        """
        raise NotImplementedError

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.ask)

    @cached_property
    def options(self) -> frozenset[str]:
        """The names of the options that only this kind has."""
        _, *own = self.signature.parameters
        return frozenset(own)

    def has_fields(self, question: "Question") -> bool:
        """Return True if an answer is an object with a field for each property in the schema.

        The stored question then also holds the author's order of the fields.
        """
        return "properties" in question.schema

    def check_asked(self, question: "Question") -> None:
        """Raise `QuestionError` if the question may not be asked; a replay doesn't call this."""

    def check_default(self, question: "Question", default: Any) -> Any:
        """Return the value of `default=`; raise `QuestionError` if it isn't a valid answer.

        If the answer is a single value, limits such as a minimum don't apply to the default.
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
        """Return the value to store for an answer; raise `AnswerError` if the answer is invalid."""
        if self.has_fields(question):
            return check_form(question.completed(value), question.schema)
        return check_answer(value, question.schema)

    def outcome_of(self, question: "Question", value: Any) -> Outcome:
        """Return the outcome of a request whose answer has this value, which has been checked."""
        return Outcome.ANSWERED

    def decisions(self, question: "Question") -> dict[str, str]:
        """Return the label of each decision that an answer can make, by the name of the decision.

        If people can approve or reject the request, the first decision means approval. Returns {}
        for a kind whose answers make no decision.
        """
        return {}

    def decision_of(self, question: "Question", value: Any) -> str:
        """Return the name of the decision that the answer makes; "" for a kind without decisions.

        `value` has been checked.
        """
        return ""

    def takes_votes(self, question: "Question") -> bool:
        """Return True if the question can have a `quorum`, so that several people vote on it."""
        return False

    def changed_by(self, question: "Question", value: Any) -> "Question":
        """Return the question that the other people are asked, with the values in this answer.

        Returns the question unchanged if the kind of request proposes no values.
        """
        return question

    def restated(self, question: "Question", changed: "Question", value: Any) -> Any:
        """Return a checked answer to the question `changed` as an answer to the original question.

        `changed` is the question that `changed_by` returned for an earlier answer.
        """
        return value

    def result_of(self, question: "Question", value: Any) -> tuple[Any, str]:
        """Return the `value` and the `decision` of the response that the procedure gets.

        `value` is the stored value of the answer.
        """
        return value, ""

    # The approved step

    def approved_evidence(self, question: "Question", value: Any) -> Any:
        """Return the evidence of the step to which people have agreed with this answer.

        The result differs from the question's evidence if people changed values in their answer.
        The answer is an approval only of a step with exactly this evidence.
        """
        return question.evidence

    def asked_again(self, question: "Question", evidence: Any) -> "Question":
        """Return the question to ask if an approval was for another step or for other arguments.

        It shows this evidence, which is that of the step to approve now, and can't be sent back.
        """
        return replace(question, evidence=evidence, ask_back=False)

    def alike_schema(self, question: "Question") -> dict[str, Any]:
        """Return the part of the schema that must be the same in a later question.

        Only then can a standing decision, made with an answer to this question, answer the later
        one.
        """
        return question.schema

    # Wording

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        """Return the answer that is meant by a message typed in the chat.

        Raises `NoReplyError` if the message isn't an answer or could mean several answers, and
        `AnswerError` if the answer is invalid.
        """
        if self.has_fields(question):
            raise NoReplyError("This request asks for several values. Fill in its form.")
        is_literal = question.schema.get("type") != "boolean"
        return TypedAnswer(read_text(question.schema, text), is_literal)

    def typing_hint(self, question: "Question") -> str:
        """Return a phrase for what people may type in the chat, such as "yes, no, or a message"."""
        if self.has_fields(question):
            return "a message (answer in the form above)"
        return YES_OR_NO if question.schema.get("type") == "boolean" else "your answer"

    def label_of(self, question: "Question", value: Any) -> str:
        """Return the author's label of a value; the value as text if there is no such label."""
        if self.has_fields(question) and isinstance(value, Mapping):
            return " · ".join(
                f"{name}: {', '.join(answer_text.splitlines()) or '—'}"
                for name, answer_text in question.answers(value)
            )
        if isinstance(value, list):
            return ", ".join(self.label_of(question, one) for one in value)
        text = value if isinstance(value, str) else canonical.text_of(value)
        return question.labels.get(text, text)

    def meaning_of(self, question: "Question", value: Any) -> str:
        """Return what a typed message means, in the words of the button with the same effect.

        `value` is the answer that `read_words` returned for the message.
        """
        if isinstance(value, bool) and not question.labels:
            return "Yes" if value else "No"
        return self.label_of(question, value)

    def result_words(self, question: "Question", outcome: str, value: Any) -> str:
        """Return a title for a closed request, such as "Resolved".

        Returns "" if the usual title of the outcome is to be shown.
        """
        return ""

    def short_answer(self, question: "Question", value: Any) -> str:
        """Return the answer as one line, to be shown beside the outcome.

        Returns "" if the answer is long, and is therefore shown elsewhere as a whole.
        """
        return "" if self.has_fields(question) else self.label_of(question, value)

    def answers(self, question: "Question", value: Any) -> list[tuple[str, str]]:
        """Return a pair for each field of an answer: the field's label, and its value as text."""
        if not self.has_fields(question) or not isinstance(value, Mapping):
            return []
        return list(schemas.answers(value, question.schema))

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        """Return the part of an answer to show to people who were asked a related question.

        This answer has made their answers unneeded. The part contains no text that somebody wrote
        freely. It is "" if nothing of the answer is to be shown.
        """
        return ""

    # Controls and sent answers

    def controls(self, question: "Question") -> list[Control]:
        """Return the controls of the request's form, in their order on the page."""
        return [Fields(schema=question.schema), Buttons()]

    def read_controls(self, question: "Question", texts: Texts) -> Any:
        """Return the answer for the strings that a page has sent.

        `texts` returns the strings in the form field with the given name. Raises `AnswerError` if
        the answer is invalid.
        """
        return read_controls(self.controls(question), texts)

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the full answer for the short form in a test, such as an option's label."""
        return value

    def read_message(self, question: "Question", message: Mapping[str, Any]) -> tuple[Any, str]:
        """Return the answer and the comment in a driver's message.

        A driver is a program that runs an agent's code and passes people's answers on as messages.
        """
        if self.held_as and list(message) == [self.held_as]:
            return message[self.held_as], ""
        return message, ""


class MissingKind(Kind):
    """A stand-in for a kind whose code this process lacks; its requests can't be answered."""

    def __init__(self, name: str) -> None:
        self.missing = name

    def check(self, question: "Question", value: Any) -> Any:
        raise AnswerError(
            f"Requests of the kind {self.missing!r} can't be answered here. {NAME_IT}"
        )

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        raise NoReplyError(f"Requests of the kind {self.missing!r} can't be answered here.")


NAME_IT = "List the class of this kind in the setting REQUEST_KINDS."
KINDS: dict[str, Kind] = {}
"""The kinds that are registered in this process, by the name of the kind."""


def register_kind(kind: K) -> K:
    """Register a kind in this process, so that `ctx.request` can ask questions of this kind.

    Registering the same kind twice is harmless. Raises `ValueError` if the name of the kind is
    invalid or belongs to another kind. A site lists its kinds in the setting REQUEST_KINDS, and
    doesn't call this function.
    """
    name = checked_name(kind, Kind, longest=LONGEST_NAME)
    known = KINDS.get(name)
    if known and not is_same_definition(type(known), kind):
        raise ValueError(f"Two kinds of requests have the name {name!r}.")
    KINDS[name] = kind()
    return kind


def find_kind(name: str) -> Kind:
    """Return the kind of a stored request, or a `MissingKind` if its code is missing."""
    return KINDS.get(name) or MissingKind(name)


def known_kind(name: object) -> Kind:
    """Return the kind with the name that an author has given to `ctx.request`.

    Raises `OptionError` if there is no kind of that name.
    """
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]
    near = meant(name, KINDS) if isinstance(name, str) else ""
    known = f"The kinds are {', '.join(sorted(KINDS))}."
    raise OptionError(f"Unknown kind of request {short_repr(name)}.{near} {known}")

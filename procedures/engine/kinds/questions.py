"""Questions to people: what is stored of a question, which answers it takes, and its timeout."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from procedures.engine.declaration.bound import Bound
from procedures.engine.errors import AnswerError, Fault, OptionError, QuestionError
from procedures.engine.kinds import conditions, drafts
from procedures.engine.kinds.conditions import Escalation, Risk
from procedures.engine.kinds.controls import Control
from procedures.engine.kinds.kind import KINDS, Kind, Outcome, Terms, find_kind, known_kind
from procedures.engine.kinds.question_options import (
    NOTHING,
    OnTimeout,
    check_kept,
    checked_descriptions,
    checked_flag,
    checked_json,
    checked_label,
    checked_metadata,
    checked_names,
    checked_silence,
    checked_text,
    one_line,
    plain_default,
    seconds_of,
)
from procedures.engine.kinds.request_options import COMMON, RequestOptions
from procedures.engine.kinds.responses import AskedBack
from procedures.engine.values import canonical, schemas
from procedures.engine.values.answers import completed
from procedures.engine.values.files import File
from procedures.engine.values.options import check_options
from procedures.engine.values.orders import in_order, orders_in
from procedures.engine.values.readable import readable
from procedures.engine.values.typed import Texts
from procedures.engine.values.volatile import check_paths, without


@dataclass(frozen=True)
class Question:
    """A question as it is stored, with everything that people are shown and with its conditions."""

    kind: str
    """The name of the kind of request, such as "approval"."""
    prompt: str
    schema: dict[str, Any]
    """The JSON Schema (2020-12) that a valid answer matches."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels by value, such as {"true": "Refund 31.20 €"}; a choice has a label for each option."""
    draft: str | None = None
    """The text under review, or the JSON of the data or file under review; None for other kinds."""
    descriptions: dict[str, str] = field(default_factory=dict)
    """The lines that are shown below the labels of options, by the value of the option."""
    shown_as: str = ""
    """The format in which the draft is shown, such as "markdown", or "file"; "" for the default."""
    body: str = ""
    evidence: Any = None
    assign: tuple[str, ...] = ()
    expires: float | None = None
    """The number of seconds after which the question expires; None if it never expires."""
    on_timeout: OnTimeout | None = None
    default: Any = None
    volatile: tuple[str, ...] = ()
    """Names in the evidence, such as "stock.read_at", whose values may be different on a replay."""
    metadata: dict[str, Any] | None = None
    """Data that is stored for programs and not shown to people."""
    irreversible: bool = False
    """True if an answer can't be undone; people must then confirm an answer before it counts."""
    due: float | None = None
    """The number of seconds within which people should answer. The question stays open after it."""
    remind: tuple[float, ...] = ()
    """The number of seconds from the asking of the question to each reminder."""
    remind_every: float | None = None
    """The number of seconds between reminders that are repeated until the question closes."""
    escalate: tuple[Escalation, ...] = ()
    """Pairs such as (14400, ("managers",)): after 14400 seconds, the managers are asked as well."""
    four_eyes: bool = False
    """True if nobody who caused the question, for example by starting the run, may answer it."""
    quorum: int = 1
    """The number of people who must vote for the same decision; 1 if nobody votes."""
    veto: bool = False
    """True if a single rejection rejects the request, however many people approve it."""
    undo: float | None = None
    """The number of seconds for which the person who answers can undo the answer; None for never.

    The run continues only after that time.
    """
    comment_required_on: tuple[str, ...] = ()
    """The names of the decisions that people must explain in a comment."""
    risk: Risk = "normal"
    ask_back: bool = False
    """True if people may send the question back: write what is missing instead of answering."""
    follows: tuple[AskedBack, ...] = ()
    """The earlier questions, oldest first, that people sent back before this one was asked."""
    repeatable: dict[str, Any] | None = None
    """The stored form of a `Like`, which says for which later questions an answer may count, too.

    If it is None, an answer counts for this question only.
    """

    @property
    def rules(self) -> Kind:
        """The `Kind` of the question, or a `MissingKind` if its code is missing."""
        return KINDS.get(self.kind) or find_kind(self.kind)

    @property
    def digest(self) -> str:
        """The hash of all that gives an answer its meaning, such as the prompt and the evidence.

        On a replay, a stored answer counts only if the question that the code asks has the same
        digest. The defaults of form fields aren't hashed, because the code may compute another
        default then.
        """
        evidence = without(self.evidence, self.volatile)
        # Compare the data, not the text: another indentation doesn't make another question.
        draft = json.loads(self.draft) if self.draft and self.is_of_data else self.draft
        # Empty if no option is used, so that older digests stay valid.
        marks = conditions.marks(self)
        # Add these only if they are set, so that the digests of questions without them stay valid.
        more = [*marks, *(one for one in (self.descriptions, self.shown_as) if one)]
        shown = (self.prompt, self.body, self.labels, draft, evidence, self.volatile, *more)
        # Be quick for questions without fields, because a replay computes many digests.
        has_fields = "properties" in self.schema and self.rules.has_fields(self)
        schema = schemas.without_defaults(self.schema) if has_fields else self.schema
        return canonical.digest(canonical.text_of((self.kind, shown, schema, self.assign)))

    @property
    def evidence_digest(self) -> str:
        return canonical.digest(canonical.text_of((self.evidence, self.draft)))

    def as_json(self) -> dict[str, Any]:
        """Return the question as plain JSON, to be stored.

        The JSON also lists the names in the evidence and the names of the form's fields, in the
        author's order, because canonical JSON sorts names.
        """
        order = {"order": orders_in(self.evidence)}
        if self.rules.has_fields(self):
            order["fields"] = list(self.schema["properties"])
            if inner := schemas.inner_fields(self.schema):
                order["inner_fields"] = inner
        lists = {"assign": list(self.assign), "volatile": list(self.volatile)}
        given = {**vars(self), **lists, **order}
        unused = (name for name in conditions.NAMES if given[name] == getattr(Question, name))
        for name in list(unused):
            del given[name]
        return conditions.as_lists(given)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Question":
        plain = readable(plain)
        known = {key: plain[key] for key in cls.__dataclass_fields__ if key in plain}
        kind, assign = str(plain["kind"]), tuple(plain["assign"])
        evidence = in_order(plain.get("evidence"), plain.get("order", ()))
        fields = [plain["fields"]] if "fields" in plain else []
        schema = in_order(plain["schema"], [*fields, *plain.get("inner_fields", ())])
        ordered = {"evidence": evidence, "schema": schema}
        ordered["volatile"] = tuple(plain.get("volatile", ()))
        values = conditions.as_tuples(known)
        return cls(**{**values, "kind": kind, "assign": assign, **ordered})

    def silence(self) -> str:
        """Return one or more sentences that say what happens if nobody answers the question."""
        return " ".join([*conditions.escalation_words(self.escalate), self._end_of_silence()])

    def _end_of_silence(self) -> str:
        if self.on_timeout == "fail":
            return "If nobody answers in time, the run fails."
        if self.on_timeout is None:
            return "The request stays open until somebody answers."
        if self.on_timeout == "withdraw" or self.default is None:
            return "If nobody answers in time, the run continues without an answer."
        return f"If nobody answers in time, that counts as “{self.label_of(self.default)}”."

    def conditions(self) -> list[str]:
        """Return sentences about who may answer, when an answer counts, and what follows it."""
        return conditions.sentences(self)

    def label_of(self, value: Any) -> str:
        """Return the author's label of a value; the value as text if there is no such label."""
        return self.rules.label_of(self, value)

    @property
    def decisions(self) -> dict[str, str]:
        """The label of each decision that an answer can make, by the name of the decision.

        If people can approve or reject the request, the first decision means approval. The result
        is {} if answers make no decision.
        """
        return self.rules.decisions(self)

    def is_approved_by(self, decision: str) -> bool:
        return decision == next(iter(self.decisions), None)

    @property
    def is_of_data(self) -> bool:
        """True if the draft is data, which people read and edit as JSON."""
        return self.draft is not None and drafts.is_data(self.schema)

    @property
    def draft_data(self) -> Any:
        """The data under review; None if the draft is text or a file."""
        return json.loads(self.draft or "null") if self.is_of_data else None

    @property
    def draft_file(self) -> File | None:
        """The file under review; None if the draft is text or data."""
        is_file = self.shown_as == drafts.FILE and self.draft
        return File(**json.loads(self.draft or "")) if is_file else None

    @property
    def options(self) -> dict[str, str]:
        """The label of each value that people can choose, by value, in the author's order."""
        one = self.schema.get("items", self.schema)
        # If answers other than the options are allowed, they are the second branch.
        listed = one["anyOf"][0] if "anyOf" in one else one
        return {value: self.labels.get(value, value) for value in listed.get("enum", ())}

    @property
    def controls(self) -> list[Control]:
        """The controls of the question's form."""
        return self.rules.controls(self)

    def read_controls(self, texts: Texts) -> Any:
        """Return the answer for the strings that a page has sent.

        `texts` returns the strings in the form field with the given name. Raises `AnswerError` if
        the answer is invalid.
        """
        return self.rules.read_controls(self, texts)

    @property
    def fields(self) -> list[str]:
        """The labels of the form's fields; empty if the answer isn't an object."""
        properties = self.schema["properties"] if self.rules.has_fields(self) else {}
        return [schemas.label(name, one) for name, one in properties.items()]

    def answers(self, value: Any) -> list[tuple[str, str]]:
        """Return a pair for each field of an answer: the field's label, and its value as text."""
        return self.rules.answers(self, value)

    def completed(self, value: Any) -> Any:
        """Return the answer with the default of each field that the answer lacks.

        An answer that is a single value, and not an object, is returned unchanged.
        """
        return completed(value, self.schema) if self.rules.has_fields(self) else value

    def check(self, value: Any) -> Any:
        """Return the value to store for an answer; raise `AnswerError` if the answer is invalid.

        The error's message says what is wrong.
        """
        return self.rules.check(self, value)

    def outcome_of(self, value: Any) -> Outcome:
        """Return the outcome of the question with this answer, which has been checked."""
        return self.rules.outcome_of(self, value)

    def decision_of(self, value: Any) -> str:
        """Return the name of the decision that this answer makes; "" if the kind has no decisions.

        `value` has been checked.
        """
        return self.rules.decision_of(self, value)

    def check_comment(self, value: Any, comment: str) -> None:
        """Raise `AnswerError` if the comment is empty, but the decision of this answer needs one.

        `value` has been checked.
        """
        if self.decision_of(value) in self.comment_required_on and not comment.strip():
            fault = Fault("comment", "must say why.")
            raise AnswerError(f"“{self.label_of(value)}” needs a comment that says why.", [fault])

    def check_ask_back(self, text: str) -> None:
        """Raise `AnswerError` if nobody may send the question back, or `text` is empty."""
        if not self.ask_back:
            raise AnswerError("This request can't be sent back. Answer it.")
        if not text.strip():
            raise AnswerError("Write what is missing, or what should be changed.")


def new_question(kind: str, prompt: str, *args: Any, **options: Any) -> Question:
    """Return a new question of the kind with the name `kind`.

    `args` and `options` are the kind's own options, and the options in `RequestOptions`. Raises
    `OptionError` if the kind or an option is unknown, and `QuestionError` if nobody could answer
    the question.
    """
    rules = known_kind(kind)
    return asked_for(rules, prompt, args, options)[0]


def asked_for(
    rules: Kind, prompt: str, args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[Question, Any]:
    """Return a question of the kind `rules`, and the type of the answer's value for the author."""
    given = options.keys()
    if given - COMMON - rules.options:
        _, *own_names = rules.signature.parameters
        known = [*own_names, *RequestOptions.__annotations__]
        check_options(f"ctx.request({rules.name!r})", options, known)
    others = dict(options)
    own = {name: others.pop(name) for name in rules.options & given}
    try:
        terms = rules.ask(prompt, *args, **own)
    except TypeError:
        _check_given(rules, prompt, args, own)
        raise
    return build(rules, prompt, terms, **others), terms.type


def _check_given(rules: Kind, prompt: str, args: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise `OptionError` if a required option of the kind is missing, or an option is unknown."""
    try:
        rules.signature.bind(prompt, *args, **options)
    except TypeError as error:
        raise OptionError(f"ctx.request({rules.name!r}): {error}.") from None


def build(  # noqa: PLR0913 (the options of every request, by name)
    rules: Kind,
    prompt: str,
    terms: Terms,
    *,
    name: str = "",
    body: Any = "",
    evidence: Any = None,
    assign: Any = (),
    expires: Any = None,
    default: Any = NOTHING,
    on_timeout: Any = None,
    volatile: Any = (),
    metadata: Any = None,
    irreversible: Any = False,
    **others: Any,
) -> Question:
    """Return a question that people can answer; raises `QuestionError` if an option is invalid.

    `others` holds the options that `conditions.checked` checks, such as `due`.
    """
    shown = one_line(prompt)
    seconds = seconds_of(expires)
    silence = checked_silence(prompt, seconds, default, on_timeout)
    labels = {value: checked_label(shown, value, one) for value, one in terms.labels.items()}
    question = Question(
        rules.name,
        shown,
        terms.schema,
        labels=labels,
        draft=terms.draft,
        descriptions=checked_descriptions(shown, terms.descriptions, labels),
        shown_as=terms.shown_as,
        body=checked_text("body=", body),
        assign=checked_names(assign or terms.assign),
        evidence=_evidence(shown, evidence),
        expires=seconds,
        on_timeout=silence,
        default=None if default is NOTHING else plain_default(shown, default),
        volatile=checked_names(volatile, "volatile="),
        metadata=checked_metadata(shown, metadata),
        irreversible=checked_flag("irreversible=", irreversible),
        **(conditions.checked(shown, others) if others else {}),
    )
    if others:
        conditions.check_together(question)
    _check_whole(question, prompt)
    if silence != "default" or question.default is None:
        return question
    return replace(question, default=rules.check_default(question, question.default))


def _check_whole(question: Question, prompt: str) -> None:
    """Raise `QuestionError` if the question can't be stored.

    Also raise it if `volatile` names something that the evidence doesn't contain.
    """
    try:
        if question.volatile:
            check_paths(question.evidence, question.volatile)
        canonical.text_of([*vars(question).values()])
    except ValueError as error:
        check_kept(question.prompt, vars(question))
        raise QuestionError(f"{prompt!r}: {error}") from None


def _evidence(prompt: str, value: Any) -> Any:
    """Return the value of `evidence=` as plain JSON.

    For a bound step, this is the step's name, its function's name and its arguments.
    """
    shown = value.as_evidence() if isinstance(value, Bound) else value
    return checked_json(prompt, "evidence=", shown)

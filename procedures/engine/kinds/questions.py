"""Questions to people: what is asked, what would be an answer, and what silence does."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Literal, TypedDict, TypeVar

from pydantic_core import SchemaError

from procedures.engine.declaration.bound import Bound
from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds import drafts
from procedures.engine.kinds.question_defaults import checked_default
from procedures.engine.kinds.question_options import (
    NOTHING,
    OnTimeout,
    check_no_secret,
    checked_flag,
    checked_label,
    checked_metadata,
    checked_names,
    checked_silence,
    checked_text,
    one_line,
    plain_default,
    seconds_of,
)
from procedures.engine.values import canonical, schemas
from procedures.engine.values.answers import VISIBLE, check_answer, check_form
from procedures.engine.values.durations import Duration
from procedures.engine.values.orders import in_order, orders_in
from procedures.engine.values.readable import readable
from procedures.engine.values.volatile import check_paths, without

T = TypeVar("T")
DEFAULT_LABELS = {"true": "Approve", "false": "Reject"}
"""An approval's words where its author gives none."""
OPERATORS = ("role:operate",)
"""Asks those who operate the procedure, instead of its answerers."""


class RequestKind(StrEnum):
    """What people are asked for."""

    APPROVAL = "approval"
    INPUT = "input"
    CHOICE = "choice"
    REVIEW = "review"
    FORM = "form"
    ESCALATION = "escalation"


class Outcome(StrEnum):
    """What became of a request."""

    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    EDITED = "edited"
    DEFAULTED = "defaulted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class RequestOptions(TypedDict, total=False):
    """The options every question takes.

    `name`: the wait's own name. `body`: Markdown below the prompt. `evidence`: data drawn beside
    it in its own order, kept with the answer. `assign`: who is asked: a group "finance", a user
    "@name", a permission "perm:app.code", or a list of these; without it, the procedure's
    answerers.
    `expires`: a length of time from the moment the question is open; then `default` counts, or
    `on_timeout` says "fail" (raises RequestExpiredError) or "withdraw" (the answer is None).
    `volatile`: names of the evidence ("read_at", "stock.read_at") that a replay may find changed;
    the values that people were shown count. `metadata`: data kept with the question for programs;
    nobody is shown it, and no answer depends on it. `irreversible`: True where an answer can't be
    taken back: people press twice, programs confirm, and words in the chat never answer.
    """

    name: str
    body: str
    evidence: Any
    assign: str | Sequence[str]
    expires: Duration
    default: Any
    on_timeout: Literal["fail", "withdraw"]
    volatile: str | Sequence[str]
    metadata: Mapping[str, Any] | None
    irreversible: bool


@dataclass(frozen=True)
class Question:
    """A question as it is kept: everything a person is shown, and what would be an answer."""

    kind: RequestKind
    prompt: str
    schema: dict[str, Any]
    """JSON Schema (2020-12) of the value of an answer."""
    labels: dict[str, str] = field(default_factory=dict)
    """Words for values: {"true": "Refund 31.20 €"}, or an option's own."""
    draft: str | None = None
    """The text to be reviewed; of data, its JSON."""
    body: str = ""
    evidence: Any = None
    assign: tuple[str, ...] = ()
    expires: float | None = None
    """Seconds."""
    on_timeout: OnTimeout | None = None
    default: Any = None
    volatile: tuple[str, ...] = ()
    """Names of the evidence that may have changed since."""
    metadata: dict[str, Any] | None = None
    """What nobody is shown."""
    irreversible: bool = False
    """True where an answer can't be undone: people confirm it before it counts."""

    @property
    def digest(self) -> str:
        """What an answer is given to: it serves no question with another digest.

        The defaults of a form's fields are no part of it: what makes them may make others later.
        """
        evidence = without(self.evidence, self.volatile)
        draft = json.loads(self.draft) if self.draft and self.is_of_data else self.draft
        final = ("irreversible",) if self.irreversible else ()  # else as before the option was
        shown = (self.prompt, self.body, self.labels, draft, evidence, self.volatile, *final)
        is_form = self.kind == RequestKind.FORM
        schema = schemas.without_defaults(self.schema) if is_form else self.schema
        return canonical.digest(canonical.text_of((self.kind, shown, schema, self.assign)))

    @property
    def evidence_digest(self) -> str:
        return canonical.digest(canonical.text_of((self.evidence, self.draft)))

    def as_json(self) -> dict[str, Any]:
        """What is kept. Canonical texts sort names: the author's order is kept beside them."""
        order = {"order": orders_in(self.evidence)}
        if self.kind == RequestKind.FORM:
            order["fields"] = list(self.schema["properties"])
        lists = {"assign": list(self.assign), "volatile": list(self.volatile)}
        return {**vars(self), **lists, **order}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Question":
        plain = readable(plain)
        known = {key: plain[key] for key in cls.__dataclass_fields__ if key in plain}
        kind, assign = RequestKind(plain["kind"]), tuple(plain["assign"])
        evidence = in_order(plain.get("evidence"), plain.get("order", ()))
        schema = in_order(plain["schema"], [plain["fields"]] if "fields" in plain else ())
        ordered = {"evidence": evidence, "schema": schema}
        ordered["volatile"] = tuple(plain.get("volatile", ()))
        return cls(**{**known, "kind": kind, "assign": assign, **ordered})

    def silence(self) -> str:
        """What happens when nobody answers, as a sentence."""
        if self.on_timeout == "fail":
            return "If nobody answers in time, the run fails."
        if self.on_timeout == "withdraw":
            return "If nobody answers in time, the run goes on without an answer."
        if self.on_timeout is None:
            return "It stays open until somebody answers."
        default = "no answer" if self.default is None else self.label_of(self.default)
        return f"If nobody answers in time, it counts as: {default}."

    def label_of(self, value: Any) -> str:
        """A value in the author's words, where there are some."""
        if self.kind == RequestKind.FORM:
            return " · ".join(
                f"{name}: {', '.join(said.splitlines()) or '—'}"
                for name, said in self.answers(value)
            )
        if isinstance(value, list):
            return ", ".join(map(self.label_of, value))
        if self.kind == RequestKind.REVIEW and isinstance(value, Mapping):
            decision = str(value.get("decision", ""))
            return self.decisions.get(decision, decision)
        text = value if isinstance(value, str) else canonical.text_of(value)
        return self.labels.get(text, text)

    @property
    def decisions(self) -> dict[str, str]:
        """Of a review, with the words on their buttons; the first one approves."""
        names = self.schema["properties"]["decision"]["enum"]
        words = self.labels or drafts.DECISIONS
        return {name: words.get(name, name) for name in names}

    @property
    def is_of_data(self) -> bool:
        """Whether a review's draft is data, shown and edited as JSON."""
        return self.kind == RequestKind.REVIEW and drafts.is_data(self.schema)

    def is_approved_by(self, decision: str) -> bool:
        return decision == next(iter(self.decisions))

    @property
    def fields(self) -> list[str]:
        """The labels of what a form asks."""
        properties = self.schema["properties"] if self.kind == RequestKind.FORM else {}
        return [one["title"] for one in properties.values()]

    def answers(self, value: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Yield a form's answer field by field: the label and the answer in words."""
        return list(schemas.answers(value, self.schema))

    def completed(self, value: Any) -> Any:
        """The answer to a form with the defaults of what it leaves out; any other as it is."""
        if self.kind != RequestKind.FORM or not isinstance(value, dict):
            return value
        properties = self.schema["properties"]
        return {
            name: one["default"] for name, one in properties.items() if "default" in one
        } | value

    def check(self, value: Any) -> Any:
        """The value of an answer, if it is one; `AnswerError` says what is wrong with it."""
        if self.kind == RequestKind.FORM:
            return check_form(self.completed(value), self.schema)
        value = check_answer(value, self.schema)
        if self.kind == RequestKind.REVIEW and "text" in value:
            if value["decision"] == "rejected" and not self.labels:
                raise AnswerError("A rejected draft takes no edited text: say why in the comment.")
            if self.is_of_data:
                drafts.parsed(value["text"], self.schema)
        return value

    def outcome_of(self, value: Any) -> Outcome:
        """What a checked answer amounts to."""
        if self.kind == RequestKind.APPROVAL:
            return Outcome.APPROVED if value else Outcome.REJECTED
        if self.kind != RequestKind.REVIEW:
            return Outcome.ANSWERED
        if not self.is_approved_by(value["decision"]):
            return Outcome.REJECTED
        text, draft = value.get("text", self.draft), self.draft or ""
        is_same = drafts.is_same(draft, text, self.schema)
        return Outcome.APPROVED if is_same else Outcome.EDITED


@dataclass(frozen=True)
class Response(Generic[T]):
    """What people said, or what silence did.

    True in a condition when somebody approved or answered, or when the author's own default
    took effect and says so; never for a refusal, a no, or an undeclared silence.
    """

    value: T
    outcome: Outcome
    responder: str
    """The user's name, or "system: deadline"."""
    comment: str
    at: datetime
    timed_out: bool
    question: Question | None = field(default=None, repr=False, compare=False)
    """What was asked."""
    key: str = field(default="", repr=False, compare=False)
    """The name of the wait that it closed."""
    decision: str = ""
    """What a review ended with: one of its `decisions`, else "approved" or "rejected"."""

    def __bool__(self) -> bool:
        if self.decision and self.question:
            return self.question.is_approved_by(self.decision)
        if self.outcome == Outcome.DEFAULTED:
            return self.value is not None and self.value is not False and self.value != ""
        if self.outcome == Outcome.ANSWERED:
            return self.value is not False
        return self.outcome in {Outcome.APPROVED, Outcome.EDITED}


def approval(prompt: str, *, yes: str = "", no: str = "", **asking: Any) -> Question:
    labels = {"true": yes or DEFAULT_LABELS["true"], "false": no or DEFAULT_LABELS["false"]}
    return build(RequestKind.APPROVAL, prompt, {"type": "boolean"}, labels=labels, **asking)


def text_input(prompt: str, hint: Any = str, **asking: Any) -> Question:
    """`hint`: str, int, Decimal, bool, date, or one of these `Annotated` with constraints."""
    if getattr(hint, "__origin__", hint) not in {str, int, Decimal, bool, date}:
        raise QuestionError(f"ask() takes str, int, Decimal, bool or date, not {hint!r}.")
    try:
        types = canonical.adapter(hint)
    except SchemaError as error:
        raise QuestionError(f"{prompt!r}: {schemas.unreadable(error)}") from None
    if rules := schemas.unchecked(types.core_schema):
        raise QuestionError(f"{prompt!r}: no answer can be checked for {', '.join(rules)}.")
    schema = types.json_schema()
    schemas.complete(schema, types.core_schema)
    return build(RequestKind.INPUT, prompt, schema, **asking)


def choice(
    prompt: str, options: Sequence[str] | Mapping[str, str], *, many: bool = False, **asking: Any
) -> Question:
    """`options`: texts, or texts with their labels."""
    if isinstance(options, set | frozenset):
        raise QuestionError(f"{prompt!r} needs a list of options: a set has no order to ask in.")
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise QuestionError(f"{prompt!r} needs options: texts, none of them empty.")
    labels = dict(options) if isinstance(options, Mapping) else {value: value for value in options}
    if not labels or not all(map(_is_text, labels)):
        raise QuestionError(f"{prompt!r} needs options: texts, none of them empty.")
    checked_flag("many=", many)
    one: dict[str, Any] = {"enum": list(labels)}
    schema = {"type": "array", "items": one, "uniqueItems": True, "minItems": 1} if many else one
    return build(RequestKind.CHOICE, prompt, schema, labels=labels, **asking)


def _is_text(option: object) -> bool:
    return isinstance(option, str) and bool(option.strip())


def review(
    prompt: str, draft: Any, *, decisions: Mapping[str, str] | None = None, **asking: Any
) -> Question:
    """`draft`: a text, or data: a dict, a list, or what is one as JSON.

    `decisions`: names with the words on their buttons; the first one approves.
    """
    named = {} if decisions is None else drafts.checked_decisions(prompt, decisions)
    try:
        is_data = type(canonical.jsonable(draft)) in drafts.KINDS
        text = drafts.text_of(draft) if is_data else checked_text("The draft", draft)
        check_no_secret("The draft", draft, canonical.text_of(canonical.jsonable(draft)))
    except ValueError as error:
        raise QuestionError(f"{prompt!r}: {error}") from None
    schema = drafts.review_schema(draft, named or drafts.DECISIONS)
    return build(RequestKind.REVIEW, prompt, schema, draft=text, labels=named, **asking)


def form(prompt: str, model: Any, **asking: Any) -> Question:
    """`model`: a Pydantic model, a dataclass or a TypedDict of plain fields."""
    try:
        schema = schemas.form_schema(model)
    except ValueError as error:
        raise QuestionError(f"{prompt!r}: {error}") from None
    return build(RequestKind.FORM, prompt, schema, **asking)


def escalation(prompt: str, **asking: Any) -> Question:
    """Answered by what was done; without `assign`, the procedure's operators are asked."""
    asking["assign"] = asking.get("assign") or OPERATORS
    schema = {"type": "string", "pattern": VISIBLE}
    return build(RequestKind.ESCALATION, prompt, schema, **asking)


def build(
    kind: RequestKind, prompt: str, schema: dict[str, Any], *, default: Any = NOTHING, **asking: Any
) -> Question:
    """A question that can be answered, or `QuestionError` before anything is opened."""
    asking.pop("name", None)
    assign = asking.pop("assign", ())
    expires = seconds_of(asking.pop("expires", None))
    on_timeout = checked_silence(prompt, expires, default, asking.pop("on_timeout", None))
    labels = {
        value: checked_label(prompt, label) for value, label in asking.pop("labels", {}).items()
    }
    try:
        question = Question(
            kind,
            one_line(prompt),
            schema,
            labels=labels,
            body=checked_text("body=", asking.pop("body", "")),
            assign=checked_names(assign),
            evidence=_evidence(asking.pop("evidence", None)),
            expires=expires,
            on_timeout=on_timeout,
            default=None if default is NOTHING else plain_default(default),
            volatile=checked_names(asking.pop("volatile", ()), "volatile="),
            metadata=checked_metadata(asking.pop("metadata", None)),
            irreversible=checked_flag("irreversible=", asking.pop("irreversible", False)),
            **asking,
        )
        if question.volatile:
            check_paths(question.evidence, question.volatile)
        canonical.text_of([*vars(question).values()])
    except ValueError as error:
        raise QuestionError(f"{prompt!r}: {error}") from None
    if on_timeout != "default":
        return question
    return replace(question, default=checked_default(question))


def _evidence(value: Any) -> Any:
    """As plain JSON; a bound step is shown by its arguments."""
    return canonical.jsonable(value.as_evidence() if isinstance(value, Bound) else value)

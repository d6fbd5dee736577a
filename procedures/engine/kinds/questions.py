"""Questions to people: the question itself, its valid answers, and the result of a timeout."""

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
    """A question as it is stored: everything that people are shown, and the answers it accepts."""

    kind: str
    """The name of the question's kind."""
    prompt: str
    schema: dict[str, Any]
    """The JSON Schema (2020-12) of an answer's value."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels by value, such as {"true": "Refund 31.20 €"}; a choice has a label for each option."""
    draft: str | None = None
    """The text under review, or the JSON of the data under review; None for other kinds."""
    descriptions: dict[str, str] = field(default_factory=dict)
    """Descriptions of options by value, shown below their labels."""
    shown_as: str = ""
    """The way in which the draft is shown, such as "markdown"; "" for the usual way."""
    body: str = ""
    evidence: Any = None
    assign: tuple[str, ...] = ()
    expires: float | None = None
    """Seconds until the question expires; None if it never does."""
    on_timeout: OnTimeout | None = None
    default: Any = None
    volatile: tuple[str, ...] = ()
    """Names in the evidence whose values may differ on a replay."""
    metadata: dict[str, Any] | None = None
    """Data for programs, shown to nobody."""
    irreversible: bool = False
    """True if an answer can't be undone, so that people must confirm it before it counts."""
    due: float | None = None
    """Seconds until people should have answered; the question stays open after that."""
    remind: tuple[float, ...] = ()
    """Seconds from the question until each reminder."""
    remind_every: float | None = None
    """Seconds between reminders, which are repeated until the question closes."""
    escalate: tuple[Escalation, ...] = ()
    """Pairs of a number of seconds and names: the people who are asked, too, after that time."""
    four_eyes: bool = False
    """True if the people who caused the question can't answer it."""
    quorum: int = 1
    """The number of people whose votes must agree."""
    veto: bool = False
    """True if a single rejection decides, however many votes approve."""
    undo: float | None = None
    """Seconds for which an answer is held, so that the person can undo it."""
    comment_required_on: tuple[str, ...] = ()
    """The decisions that need a comment."""
    risk: Risk = "normal"
    ask_back: bool = False
    """True if people may ask back instead of answering."""
    follows: tuple[AskedBack, ...] = ()
    """The earlier questions about which somebody asked back, the oldest first."""
    repeatable: dict[str, Any] | None = None
    """The terms under which an answer also counts for later questions; None if it never does."""

    @property
    def rules(self) -> Kind:
        """The kind of the question; if its code is missing, a stand-in that accepts no answer."""
        return KINDS.get(self.kind) or find_kind(self.kind)

    @property
    def digest(self) -> str:
        """The digest of the question; an answer counts only for a question with the same digest.

        Default values of form fields are left out, because a computed default may differ later.
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
        """Return the JSON to store, with the order of names, which canonical JSON doesn't keep."""
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
        told = conditions.as_tuples(known)
        return cls(**{**told, "kind": kind, "assign": assign, **ordered})

    def silence(self) -> str:
        """Return sentences that say what happens if nobody answers."""
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
        """Return sentences about what an answer needs before it counts, and what follows it."""
        return conditions.sentences(self)

    def label_of(self, value: Any) -> str:
        """Return the author's label of a value, or the value as text if it has no label."""
        return self.rules.label_of(self, value)

    @property
    def decisions(self) -> dict[str, str]:
        """The possible decisions with their labels; {} for none.

        If the kind approves or rejects, the first decision approves.
        """
        return self.rules.decisions(self)

    def is_approved_by(self, decision: str) -> bool:
        return decision == next(iter(self.decisions), None)

    @property
    def is_of_data(self) -> bool:
        """True if the draft is data, which is shown and edited as JSON."""
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
        """The values to choose from, with their labels, in the author's order."""
        one = self.schema.get("items", self.schema)
        # If answers other than the options are allowed, they are the second branch.
        listed = one["anyOf"][0] if "anyOf" in one else one
        return {value: self.labels.get(value, value) for value in listed.get("enum", ())}

    @property
    def controls(self) -> list[Control]:
        """The controls with which people answer the question."""
        return self.rules.controls(self)

    def read_controls(self, texts: Texts) -> Any:
        """Return the answer that a page has sent; raise `AnswerError` if it is invalid."""
        return self.rules.read_controls(self, texts)

    @property
    def fields(self) -> list[str]:
        """The labels of the fields that the question asks for; empty if it asks for one value."""
        properties = self.schema["properties"] if self.rules.has_fields(self) else {}
        return [schemas.label(name, one) for name, one in properties.items()]

    def answers(self, value: Any) -> list[tuple[str, str]]:
        """Return the label of each field in an answer, with the field's value in words."""
        return self.rules.answers(self, value)

    def completed(self, value: Any) -> Any:
        """Return an answer with the defaults of missing fields filled in.

        An answer without fields is returned unchanged.
        """
        return completed(value, self.schema) if self.rules.has_fields(self) else value

    def check(self, value: Any) -> Any:
        """Return the value of a valid answer; else raise `AnswerError`, which names the fault."""
        return self.rules.check(self, value)

    def outcome_of(self, value: Any) -> Outcome:
        """Return the outcome of a checked answer."""
        return self.rules.outcome_of(self, value)

    def decision_of(self, value: Any) -> str:
        """Return the name of the decision that a checked answer makes, or ""."""
        return self.rules.decision_of(self, value)

    def check_comment(self, value: Any, comment: str) -> None:
        """Raise `AnswerError` if a checked answer's decision needs a comment and has none."""
        if self.decision_of(value) in self.comment_required_on and not comment.strip():
            fault = Fault("comment", "must say why.")
            raise AnswerError(f"“{self.label_of(value)}” needs a comment that says why.", [fault])

    def check_ask_back(self, text: str) -> None:
        """Raise `AnswerError` if nobody may ask back about the question, or the text is empty."""
        if not self.ask_back:
            raise AnswerError("Nobody can ask back about this request. Answer it.")
        if not text.strip():
            raise AnswerError("Write what is missing, or what should be changed.")


def new_question(kind: str, prompt: str, *args: Any, **options: Any) -> Question:
    """Return a new question of the named kind.

    Takes the kind's own options and those in `RequestOptions`. Raises `OptionError` for an unknown
    kind or option, and `QuestionError` for a question that nobody could answer.
    """
    rules = known_kind(kind)
    return asked_for(rules, prompt, args, options)[0]


def asked_for(
    rules: Kind, prompt: str, args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[Question, Any]:
    """Return a question of that kind, and the type of the value that the procedure gets."""
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
    """Raise `OptionError` if one of the kind's own options is missing, or too many are given."""
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
    """Return a question that people can answer; raises `QuestionError` if it would be invalid.

    `others` are the options in `conditions.NAMES`.
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
    """Raise `QuestionError` if a question can't be stored, or `volatile` names missing evidence."""
    try:
        if question.volatile:
            check_paths(question.evidence, question.volatile)
        canonical.text_of([*vars(question).values()])
    except ValueError as error:
        check_kept(question.prompt, vars(question))
        raise QuestionError(f"{prompt!r}: {error}") from None


def _evidence(prompt: str, value: Any) -> Any:
    """Return evidence as plain JSON; a bound step is replaced by its name and arguments."""
    shown = value.as_evidence() if isinstance(value, Bound) else value
    return checked_json(prompt, "evidence=", shown)

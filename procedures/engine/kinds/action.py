"""The kind of request about an action, whose values people may change before they approve it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NotRequired, TypedDict

from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds.controls import Buttons, Changes, Control
from procedures.engine.kinds.form import form_terms
from procedures.engine.kinds.kind import YES_OR_NO, Kind, Outcome, Terms
from procedures.engine.kinds.question_options import checked_json, checked_text
from procedures.engine.kinds.words import TypedAnswer, plain_words, read_yes_or_no
from procedures.engine.values import schemas
from procedures.engine.values.answers import check_answer, check_form, completed
from procedures.engine.values.exact import exact
from procedures.engine.values.model_schemas import check_default
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

VALUES, DECISION = "values", "decision"
APPROVED, REJECTED = str(Outcome.APPROVED), str(Outcome.REJECTED)
INNER = "arguments"
"""The key in the evidence that holds all values of an action which takes them as one argument.

The evidence is then {"arguments": {"amount": 31}}; for other actions it is {"amount": 31}.
"""
NOT_CHANGED = "The values of this request can't be changed. Reject it, and say what to change."
COUNTS_AS_APPROVED = (
    "Several people decide about this request, and it counts as approved if nobody answers in time."
    " Its values can't be changed, because the original ones would then be approved. Reject it, and"
    " say what to change."
)
NAME_VALUES = (
    "The values of this request have been changed. Look at them, and answer with the values that"
    " you approve."
)
ONLY_APPROVED = {
    "if": {"properties": {DECISION: {"const": APPROVED}}},
    "then": {"required": [VALUES]},
}
"""A part of the schema of a question whose values people have changed.

It requires that an answer which approves the action contains the approved values.
"""
Answer = dict[str, Any]


class Action(Kind):
    """An action that people approve, approve with other values, or reject."""

    name = "action"
    approves = True
    goes_back = True
    takes_yes_or_no = True
    default_labels: ClassVar = {APPROVED: "Approve", REJECTED: "Reject"}

    def ask(
        self,
        prompt: str,
        values: Mapping[str, Any] | None = None,
        model: Any = None,
        *,
        schema: Mapping[str, Any] | None = None,
        yes: str = "",
        no: str = "",
    ) -> Terms:
        """Return the `Terms` of a request about an action with these values.

        People may change those values that `model` (a Pydantic model, a dataclass or a TypedDict)
        or `schema` (a JSON Schema) describes. If neither is given, people can't change any value.
        The value of the response is None if people changed nothing. Otherwise it holds all values,
        as an instance of `model`, or as a dict if `schema` was given. A value that is missing in
        `values` is left to people.
        """
        given = {APPROVED: checked_text("yes=", yes), REJECTED: checked_text("no=", no)}
        labels = {name: words or self.default_labels[name] for name, words in given.items()}
        properties: dict[str, Any] = {DECISION: {"enum": [APPROVED, REJECTED]}}
        typed: Any = dict[str, Any]
        if model is not None or schema is not None:
            fields = form_terms(prompt, model, schema)
            proposed = checked_json(prompt, "values", dict(values or {}))
            properties[VALUES] = _with_defaults(fields.schema, proposed)
            typed = fields.type if model is not None else dict[str, Any]
        answer = TypedDict("answer", {DECISION: str, VALUES: NotRequired[typed]})  # type: ignore[misc]
        whole = {"type": "object", "properties": properties, "required": [DECISION]}
        return Terms(whole | {"additionalProperties": False}, labels=labels, type=answer)

    def has_fields(self, question: "Question") -> bool:
        return False

    def check_asked(self, question: "Question") -> None:
        """Raise `QuestionError` for a proposed value that people couldn't approve as it is."""
        fields = fields_of(question) or {"properties": {}}
        for name, field in fields["properties"].items():
            if "default" not in field:
                continue
            try:
                check_default(field["default"], field)
            except AnswerError as error:
                raise QuestionError(
                    f"{short_repr(question.prompt)}: the proposed value of {name!r} doesn't fit "
                    f"its schema. {error}"
                ) from None

    def check_default(self, question: "Question", default: Any) -> Any:
        try:
            return self.check(question, default)
        except AnswerError as error:
            raise QuestionError(
                f"{question.prompt!r}: the default must be True or False, "
                f"not {short_repr(default)}: {error}"
            ) from None

    # Answers

    def check(self, question: "Question", value: Any) -> Answer:
        """Return a valid answer such as {"decision": "approved", "values": {"amount": 20}}.

        The answer has "values" only if they differ from the proposed values. Raises `AnswerError`
        for an invalid answer.
        """
        spelled = _spelled_out(value)
        fields = fields_of(question)
        only = {DECISION: question.schema["properties"][DECISION]}
        rest = {name: one for name, one in spelled.items() if name != VALUES}
        plain = {name: one for name, one in question.schema.items() if name not in ONLY_APPROVED}
        checked: Answer = check_answer(rest, plain | {"properties": only})
        if checked[DECISION] == REJECTED:
            return checked
        if VALUES not in spelled:
            if is_changed(question):
                raise AnswerError(NAME_VALUES)
            return checked
        if fields is None:
            raise AnswerError(NOT_CHANGED)
        given = check_form(completed(spelled[VALUES], fields), fields)
        if given == completed({}, fields):  # 100 is no change of 100.0
            return checked
        if not may_change(question):
            raise AnswerError(COUNTS_AS_APPROVED)
        return {**checked, VALUES: given}

    def changed_by(self, question: "Question", value: Any) -> "Question":
        """Return the question with the values in this answer instead of the original values.

        At least two people must approve these values: the person who chose them, and somebody else.
        """
        fields, values = fields_of(question), value.get(VALUES)
        if fields is None or values is None:
            return question
        properties = question.schema["properties"] | {VALUES: _with_defaults(fields, values)}
        return replace(
            question,
            schema=question.schema | {"properties": properties} | ONLY_APPROVED,
            evidence=self.approved_evidence(question, values),
            quorum=max(question.quorum, 2),
            veto=question.veto or question.quorum == 1,
        )

    def restated(self, question: "Question", changed: "Question", value: Any) -> Any:
        """Return an answer to the changed question as an answer to the original question.

        If the answer approves other values than the original question proposed, it contains them.
        """
        proposed, fields = fields_of(question), fields_of(changed)
        if proposed is None or fields is None or value[DECISION] == REJECTED:
            return value
        approved = value.get(VALUES, completed({}, fields))
        if approved == completed({}, proposed):
            return {DECISION: value[DECISION]}
        return {**value, VALUES: approved}

    def outcome_of(self, question: "Question", value: Any) -> Outcome:
        if value[DECISION] == REJECTED:
            return Outcome.REJECTED
        return Outcome.EDITED if VALUES in value else Outcome.APPROVED

    def decisions(self, question: "Question") -> dict[str, str]:
        return {name: question.labels[name] for name in (APPROVED, REJECTED)}

    def decision_of(self, question: "Question", value: Any) -> str:
        return str(value[DECISION])

    def takes_votes(self, question: "Question") -> bool:
        return True

    def result_of(self, question: "Question", value: Any) -> tuple[Any, str]:
        """Return the changed values, or None if people changed no value, and the decision."""
        if not isinstance(value, Mapping):
            return None, ""
        return value.get(VALUES), str(value[DECISION])

    # The approved step

    def approved_evidence(self, question: "Question", value: Any) -> Any:
        """Return the question's evidence, in which changed values replace the proposed values."""
        shown = question.evidence
        if value is None or not isinstance(shown, Mapping):
            return shown
        changed = exact(value, "The changed values")
        if INNER in shown and INNER not in changed:
            return {**shown, INNER: changed}
        return {**shown, **changed}

    def asked_again(self, question: "Question", evidence: Any) -> "Question":
        """Return the question with this evidence, which shows the same action with other values.

        People can approve or reject this action, but they can't change its values.
        """
        only = {DECISION: question.schema["properties"][DECISION]}
        again = super().asked_again(question, evidence)
        return replace(again, schema=question.schema | {"properties": only})

    def alike_schema(self, question: "Question") -> dict[str, Any]:
        """Return the question's schema without the proposed values.

        A later question may propose other values, and the answer to this question still counts for
        it.
        """
        fields = fields_of(question)
        if fields is None:
            return question.schema
        properties = question.schema["properties"] | {VALUES: schemas.without_defaults(fields)}
        return question.schema | {"properties": properties}

    # Wording

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        wanted, labels = plain_words(text), question.labels
        own = [name for name, words in labels.items() if plain_words(words) == wanted]
        if len(own) == 1:
            is_literal = labels[own[0]] != self.default_labels[own[0]]
            return TypedAnswer({DECISION: own[0]}, is_literal)
        return TypedAnswer(_spelled_out(read_yes_or_no(text)), is_literal=False)

    def typing_hint(self, question: "Question") -> str:
        return YES_OR_NO

    def label_of(self, question: "Question", value: Any) -> str:
        name = value.get(DECISION, "") if isinstance(value, Mapping) else value
        return question.labels.get(str(name), str(name))

    def answers(self, question: "Question", value: Any) -> list[tuple[str, str]]:
        """Return the label of each changed value, with a text such as "31.20 → 20.00".

        The text shows the proposed value, an arrow, and the value to which people changed it.
        """
        return [(label, f"{then} → {now}") for label, then, now in changes_of(question, value)]

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        return self.label_of(question, value)

    # Controls and sent answers

    def controls(self, question: "Question") -> list[Control]:
        buttons = Buttons(at=DECISION, values=list(self.decisions(question).items()))
        fields = fields_of(question)
        if fields is None or not may_change(question):
            return [buttons]
        return [Changes(schema=_in_order_of(question.evidence, fields)), buttons]

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the full answer for the short form that a test may use.

        The short form {"amount": 20} means that the action is approved with 20 as the changed
        amount. True and False are returned unchanged.
        """
        if isinstance(value, Mapping) and DECISION not in value:
            return {DECISION: APPROVED, VALUES: dict(value)}
        return value


def fields_of(question: "Question") -> dict[str, Any] | None:
    """Return the schema of the values that people may change; None if there are none."""
    fields: dict[str, Any] | None = question.schema["properties"].get(VALUES)
    return fields


def is_changed(question: "Question") -> bool:
    """Return True if people have changed the values that the original question proposed.

    `Action.changed_by` returns the question with the changed values.
    """
    return not ONLY_APPROVED.keys().isdisjoint(question.schema)


def may_change(question: "Question") -> bool:
    """Return True if people may change the values of this action.

    If several people decide about the action, the changed values are shown to all of them again.
    Nobody may change the values of such an action if it counts as approved at its deadline: the
    default would then approve the original values.
    """
    for_several = question.quorum > 1 or question.four_eyes
    default = question.default if isinstance(question.default, Mapping) else {}
    return not (for_several and default.get(DECISION) == APPROVED)


def changes_of(question: "Question", value: Any) -> list[tuple[str, str, str]]:
    """Return a triple for each changed value: its label, the proposed value, and the new value.

    All three are text for people to read.
    """
    fields, changed = fields_of(question), value.get(VALUES) if isinstance(value, Mapping) else None
    if fields is None or not isinstance(changed, Mapping):
        return []
    proposed = dict(schemas.answers(completed({}, fields), fields))
    now = dict(schemas.answers(changed, fields))
    return [
        (label, proposed.get(label, ""), words)
        for label, words in now.items()
        if proposed.get(label) != words
    ]


def _spelled_out(value: Any) -> Any:
    """Return {"decision": "approved"} for True and {"decision": "rejected"} for False.

    A dict is returned unchanged. Raises `AnswerError` for all other values.
    """
    if isinstance(value, bool):
        return {DECISION: APPROVED if value else REJECTED}
    if not isinstance(value, dict):
        raise AnswerError("Answer with a decision, approved or rejected.")
    return value


def _with_defaults(schema: dict[str, Any], values: Any) -> dict[str, Any]:
    """Return the form's schema with the values as defaults of the fields with the same names.

    If a value is an object, its own values become the defaults of the fields inside that field.
    """
    given = values if isinstance(values, Mapping) else {}
    properties = dict(schema["properties"])
    for name in properties.keys() & given.keys():
        one = properties[name]
        if "properties" in one:
            one = _with_defaults(one, given[name])
        properties[name] = one | {"default": given[name]}
    return schema | {"properties": properties}


def _in_order_of(evidence: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the schema `fields`, with its properties in the order of the evidence."""
    shown = evidence.get(INNER, evidence) if isinstance(evidence, Mapping) else {}
    properties = fields["properties"]
    names = [name for name in shown if name in properties] if isinstance(shown, Mapping) else []
    return fields | {"properties": {name: properties[name] for name in [*names, *properties]}}

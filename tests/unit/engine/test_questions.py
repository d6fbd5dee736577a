"""Questions that can be asked, and the outcomes of answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.kinds.responses import Response
from procedures.engine.values import canonical

Ask = Callable[[], Question]


@dataclass
class Address:
    street: str
    city: str


class Parcel(BaseModel):
    weight: int
    address: Address


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: new_question("approval", ""), "prompt of a question must be"),
        (lambda: new_question("approval", " \n"), "prompt of a question must be"),
        (
            lambda: new_question("approval", "Go?", expires="2h"),
            "needs default= or on_timeout= too",
        ),
        (lambda: new_question("approval", "Go?", default=True), "needs expires= too"),
        (lambda: new_question("approval", "Go?", on_timeout="fail"), "needs expires= too"),
        (
            lambda: new_question("approval", "Go?", expires="2h", default=True, on_timeout="fail"),
            "but not both",
        ),
        (lambda: new_question("approval", "Go?", expires="2h", on_timeout="shrug"), '"fail" or'),
        (
            lambda: new_question("approval", "Go?", expires="soon", default=True),
            "Invalid duration",
        ),
        (lambda: new_question("approval", "Go?", expires=float("inf"), default=True), "ten years"),
        (
            lambda: new_question("approval", "Go?", expires="2h", default="yes"),
            "default isn't a valid answer",
        ),
        (lambda: new_question("approval", "Go?", expires="2h", default=1), "yes or no"),
        (lambda: new_question("approval", "Go?", evidence=object()), "can't be stored"),
        (
            lambda: new_question("approval", "Go?", evidence=float("nan")),
            "'Go\\?': It contains NaN",
        ),
        (lambda: new_question("approval", "Go?", body="\ud800"), "'Go\\?': It contains half of a "),
        (lambda: new_question("input", "What?", bytes), "must be str, int"),
        (lambda: new_question("input", "What?", list[str]), "must be str, int"),
        (lambda: new_question("input", "What?", Literal["a"]), "must be str, int"),
        (lambda: new_question("input", "What?", str | None), "must be str, int"),
        (
            lambda: new_question("input", "What?", Annotated[str, AfterValidator(str.strip)]),
            "constraints that aren't supported for answers",
        ),
        (
            lambda: new_question("input", "When?", Annotated[date, Field(gt=date(2026, 1, 1))]),
            "constraints that aren't supported for answers: gt",
        ),
        (
            lambda: new_question("input", "What?", Annotated[Decimal, Field(max_digits=3)]),
            "constraints that aren't supported for answers: max_digits",
        ),
        (
            lambda: new_question(
                "input", "How many?", Annotated[int, Field(gt=3)], expires="2h", default="many"
            ),
            "the default isn't a valid answer: The answer must be a whole number",
        ),
        (lambda: new_question("input", "Why?", expires="2h", default=7), "must be text"),
        (lambda: new_question("choice", "Which?", []), "needs a list of options"),
        (lambda: new_question("choice", "Which?", ["a", ""]), "none of them empty"),
        (lambda: new_question("choice", "Which?", ["a", " "]), "none of them empty"),
        (lambda: new_question("choice", "Which?", {1: "one"}), "strings"),
        (lambda: new_question("choice", "Which?", ["a"], expires="2h", default="b"), "one of: a"),
        (
            lambda: new_question("choice", "Which?", ["a"], many=True, expires="2h", default=["b"]),
            "one of: a",
        ),
        (
            lambda: new_question("review", "Fine?", "Dear", expires="2h", default="Dear"),
            "must be a mapping",
        ),
    ],
)
def test_what_could_not_be_answered_is_refused_when_it_is_asked(ask: Ask, words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: new_question("approval", "Go?", expires="2h", default=False),
        lambda: new_question("approval", "Go?", expires="2h", default=None),
        lambda: new_question("approval", "Go?", expires="2h", on_timeout="withdraw"),
        lambda: new_question("input", "When?", date, expires="2h", default=date(2026, 3, 1)),
        lambda: new_question("input", "How much?", Decimal, expires="2h", default=Decimal("1.5")),
        lambda: new_question(
            "choice", "Which?", ["a", "b"], many=True, expires="2h", default=["b"]
        ),
        lambda: new_question(
            "review", "Fine?", "Dear", expires="2h", default={"decision": "approved"}
        ),
    ],
)
def test_a_question_may_say_what_silence_means(ask: Ask) -> None:
    question = ask()

    assert question.expires == 7200
    assert question.on_timeout in {"default", "withdraw"}
    assert question.silence().startswith("If nobody answers in time, ")


def test_silence_that_chooses_several_is_told_by_their_labels() -> None:
    options = {"r": "Red", "b": "Blue"}
    asked = new_question("choice", "Which?", options, many=True, expires="2h", default=["b", "r"])

    assert asked.silence() == "If nobody answers in time, that counts as “Blue, Red”."


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("  Pay 31.20 €? ", "Pay 31.20 €?"),
        ("Pay?\nTrust me.", "Pay?␤Trust me."),
        ("Pay\t5\0?", "Pay\\u00095\\u0000?"),
        ("Pay \u202e02.13\u202c €?", "Pay \\u202e02.13\\u202c €?"),
        ("\u200b", "\\u200b"),
        ("Pay \ud800?", "Pay \\ud800?"),
    ],
)
def test_a_prompt_is_one_plain_line(prompt: str, shown: str) -> None:
    assert new_question("approval", prompt).prompt == shown


def test_buttons_have_the_authors_words() -> None:
    assert new_question("approval", "Go?").labels == {"true": "Approve", "false": "Reject"}
    own = new_question("approval", "Go?", yes="Refund 31.20 €", no="Leave\u202e it")
    assert own.labels == {"true": "Refund 31.20 €", "false": "Leave\\u202e it"}
    assert own.label_of(value=True) == "Refund 31.20 €"


def test_options_have_labels() -> None:
    assert new_question("choice", "Which?", ["a", "b"]).labels == {"a": "a", "b": "b"}
    labelled = new_question("choice", "Which?", {"a": "Amsterdam", "b": "Bonn"})
    assert labelled.labels == {"a": "Amsterdam", "b": "Bonn"}
    assert labelled.schema == {"enum": ["a", "b"]}


def test_assignees_are_a_list() -> None:
    assert new_question("approval", "Go?", assign="finance").assign == ("finance",)
    assert new_question("approval", "Go?", assign=["finance", "@bob"]).assign == ("finance", "@bob")
    assert new_question("approval", "Go?").assign == ()


SAME: Mapping[str, Any] = {"prompt": "Go?", "evidence": {"order": 7}, "assign": "finance"}


@pytest.mark.parametrize(
    "other",
    [
        {**SAME, "prompt": "Stop?"},
        {**SAME, "evidence": {"order": 8}},
        {**SAME, "evidence": None},
        {**SAME, "assign": "support"},
        {**SAME, "assign": ["finance", "support"]},
    ],
)
def test_an_answer_serves_no_question_that_differs(other: Mapping[str, Any]) -> None:
    assert new_question("approval", **SAME).digest != new_question("approval", **other).digest


def test_an_answer_serves_no_question_with_another_draft() -> None:
    asked = new_question("approval", **SAME)

    assert asked.digest != replace(asked, draft="Dear bob").digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (new_question("approval", "Go?"), new_question("input", "Go?", bool)),
        (new_question("input", "Go?"), new_question("input", "Go?", int)),
        (new_question("choice", "Go?", ["a"]), new_question("choice", "Go?", ["a", "b"])),
        (new_question("choice", "Go?", ["a"]), new_question("choice", "Go?", ["a"], many=True)),
        (
            new_question("approval", "Go?"),
            new_question("approval", "Go?", yes="Pay", no="Do not pay"),
        ),
        (
            new_question("approval", "Go?", body="Staging"),
            new_question("approval", "Go?", body="Production"),
        ),
        (new_question("review", "Go?", "Dear"), new_question("review", "Go?", "Dear bob")),
    ],
)
def test_nor_one_of_another_kind_schema_or_draft(one: Question, other: Question) -> None:
    assert one.digest != other.digest


@pytest.mark.parametrize(
    "words", [{"expires": "2h", "default": True}, {"expires": "2h", "on_timeout": "fail"}]
)
def test_other_words_around_it_leave_it_the_same_question(words: Mapping[str, Any]) -> None:
    assert (
        new_question("approval", **SAME).digest == new_question("approval", **SAME, **words).digest
    )


def test_equal_evidence_is_equal_whatever_its_order() -> None:
    one = new_question("approval", "Go?", evidence={"a": 1, "b": {"x", "y"}})
    other = new_question("approval", "Go?", evidence={"b": {"y", "x"}, "a": 1})

    assert one.digest == other.digest
    assert one.evidence_digest == other.evidence_digest


@pytest.mark.parametrize(
    "evidence",
    [
        {"order": 7, "amount": "2.50", "lines": [{"part": "cup", "count": 1}]},
        [{"who": "bob", "at": "Bonn"}, {"who": "ann", "at": "Mainz", "by": "train"}],
        {"first": {"b": 1, "a": {"z": 0, "y": 0}}, "a": {"b": 1, "a": 2}},
        Parcel(weight=3, address=Address("Lane 1", "Bonn")),
        "a text",
        None,
    ],
)
def test_kept_evidence_has_the_authors_order(evidence: object) -> None:
    question = new_question("approval", "Go?", evidence=evidence)

    kept = Question.from_json(json.loads(canonical.text_of(question.as_json())))

    assert json.dumps(kept.evidence) == json.dumps(canonical.jsonable(evidence))
    assert (kept.digest, kept.evidence_digest) == (question.digest, question.evidence_digest)


def test_a_question_kept_without_an_order_is_the_same_question() -> None:
    question = new_question("approval", "Go?", evidence={"b": 1, "a": 2})
    kept = {name: one for name, one in question.as_json().items() if name != "order"}

    assert Question.from_json(kept) == question
    assert Question.from_json(kept).digest == question.digest


def test_a_kept_question_is_the_same_question() -> None:
    question = new_question(
        "review", "Fine?", "Dear", assign=["finance"], expires="2h", default=None
    )

    kept = json.loads(canonical.text_of(question.as_json()))

    assert Question.from_json(kept) == question
    assert Question.from_json({**kept, "digest": "more", "wait": "request"}).digest == (
        question.digest
    )


@pytest.mark.parametrize(
    ("question", "value", "outcome"),
    [
        (new_question("approval", "Go?"), True, Outcome.APPROVED),
        (new_question("approval", "Go?"), False, Outcome.REJECTED),
        (new_question("input", "Is it?", bool), False, Outcome.ANSWERED),
        (new_question("choice", "Which?", ["a"]), "a", Outcome.ANSWERED),
        (new_question("review", "Fine?", "Dear"), {"decision": "approved"}, Outcome.APPROVED),
        (
            new_question("review", "Fine?", "Dear"),
            {"decision": "approved", "text": "Dear"},
            Outcome.APPROVED,
        ),
        (
            new_question("review", "Fine?", "Dear"),
            {"decision": "approved", "text": "Dear bob"},
            Outcome.EDITED,
        ),
        (new_question("review", "Fine?", "Dear"), {"decision": "rejected"}, Outcome.REJECTED),
    ],
)
def test_an_answer_amounts_to_an_outcome(
    question: Question, value: object, outcome: Outcome
) -> None:
    assert question.outcome_of(question.check(value)) == outcome


@pytest.mark.parametrize(
    ("outcome", "value", "is_yes"),
    [
        (Outcome.APPROVED, True, True),
        (Outcome.ANSWERED, 0, True),
        (Outcome.ANSWERED, False, False),
        (Outcome.EDITED, "text", True),
        (Outcome.REJECTED, False, False),
        (Outcome.DEFAULTED, True, True),
        (Outcome.DEFAULTED, False, False),
        (Outcome.DEFAULTED, 0, True),
        (Outcome.DEFAULTED, "", False),
        (Outcome.DEFAULTED, None, False),
        (Outcome.EXPIRED, None, False),
        (Outcome.WITHDRAWN, None, False),
    ],
)
def test_only_a_yes_is_true(outcome: Outcome, value: object, is_yes: bool) -> None:  # noqa: FBT001
    at = datetime(2026, 1, 5, tzinfo=UTC)

    assert bool(Response(value, outcome, "bob", "", at, timed_out=False)) is is_yes


@pytest.mark.parametrize(
    ("evidence", "volatile", "words"),
    [
        ({"read_at": 1}, "red_at", "names 'red_at', which the evidence lacks. Did you mean 'read"),
        ({"a": {"b": 1}}, "b", "names 'b'"),
        (None, "read_at", "names 'read_at', which the evidence lacks"),
        ([1, 2], ["x"], "names 'x'"),
    ],
)
def test_volatile_names_what_is_there(evidence: Any, volatile: Any, words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        new_question("approval", "Go?", evidence=evidence, volatile=volatile)


def test_only_what_is_named_may_differ() -> None:
    def asked(read_at: str, stock: int) -> str:
        rows = [{"id": 1, "read_at": read_at}, {"id": stock, "read_at": read_at}]
        return new_question(
            "approval", "Go?", evidence={"rows": rows}, volatile="rows.read_at"
        ).digest

    assert asked("12:00", 5) == asked("13:00", 5)
    assert asked("12:00", 5) != asked("12:00", 6)

"""Reviews: what may be decided about a text or data, and what an edited draft has to be."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question, new_question

DATA = {"total": 7, "lines": [{"order": "A-1"}]}
DECISIONS = {"approve": "Approve", "request_changes": "Request changes", "drop": "Drop it"}
MANY = {f"d{number}": f"D{number}" for number in range(13)}


def data_review(**options: Any) -> Question:
    return new_question("review", "Right?", DATA, decisions=DECISIONS, **options)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"decision": "approve"}, Outcome.APPROVED),
        ({"decision": "approve", "text": json.dumps(DATA)}, Outcome.APPROVED),
        ({"decision": "approve", "text": '{"total": 8}'}, Outcome.EDITED),
        ({"decision": "request_changes"}, Outcome.REJECTED),
        ({"decision": "drop", "text": "{}"}, Outcome.REJECTED),
    ],
)
def test_the_first_decision_approves(answer: dict[str, Any], outcome: Outcome) -> None:
    question = data_review()

    assert question.outcome_of(question.check(answer)) == outcome


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"total": 7,}', r"isn't valid JSON: .* \(line 1, column 1\d\)"),
        ("Dear bob", "isn't valid JSON: Expecting value .line 1, column 1"),
        ("[1, 2]", "must be a JSON object in { }, like the original"),
        ("7", "must be a JSON object"),
        ('{"total": 1, "total": 2}', "the name 'total' appears twice"),
        ('{"total": NaN}', "NaN isn't a number"),
        ('{"total": 1e999}', "can't be stored"),
        ("[" * 100_000, "can't be stored"),
    ],
)
def test_an_edited_draft_of_data_has_to_be_data(text: str, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        data_review().check({"decision": "approve", "text": text})


def test_data_in_another_order_is_the_same_question() -> None:
    turned = dict(reversed(DATA.items()))

    assert (
        new_question("review", "Right?", turned).digest
        == new_question("review", "Right?", DATA).digest
    )
    assert (
        new_question("review", "Right?", {}).digest != new_question("review", "Right?", DATA).digest
    )
    assert Question.from_json(data_review().as_json()).decisions == DECISIONS


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: new_question("review", "R?", 5), "must be a string"),
        (lambda: new_question("review", "R?", None), "must be a string"),
        (lambda: new_question("review", "R?", "x", decisions={}), "must map names to labels"),
        (lambda: new_question("review", "R?", "x", decisions=["a"]), "must map names to labels"),
        (lambda: new_question("review", "R?", "x", decisions={"": "A"}), "must be strings"),
        (
            lambda: new_question("review", "R?", "x", decisions={"a": ""}),
            "a label must be a string",
        ),
        (
            lambda: new_question("review", "R?", "x", decisions={"a": "Go", "b": "go "}),
            "same label",
        ),
        (
            lambda: new_question("review", "R?", "x", decisions=MANY),
            "13 decisions; the limit is 12",
        ),
        (lambda: data_review(expires="2h", default="approve"), "must be a mapping"),
        (lambda: data_review(expires="2h", default={"text": "{}"}), "must be a mapping"),
    ],
)
def test_what_cannot_be_reviewed_is_refused_when_it_is_asked(
    ask: Callable[[], Question], words: str
) -> None:
    with pytest.raises(QuestionError, match=words):
        ask()


Small = Annotated[int, Field(ge=1, le=9)]
Code = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Money = Annotated[Decimal, Field(gt=0)]


@pytest.mark.parametrize(
    ("hint", "default"), [(str, ""), (Small, 99), (Code, "none"), (Money, Decimal(-1))]
)
def test_a_default_is_of_the_type_and_free_of_the_rules_for_people(hint: Any, default: Any) -> None:
    question = new_question("input", "What?", hint, expires="1h", default=default)

    assert question.default == (str(default) if isinstance(default, Decimal) else default)
    with pytest.raises(AnswerError):
        question.check(question.default)


def test_nobody_chosen_is_a_default_too() -> None:
    question = new_question("choice", "Which?", ["a"], many=True, expires="1h", default=[])

    assert question.default == []
    with pytest.raises(AnswerError):
        question.check([])

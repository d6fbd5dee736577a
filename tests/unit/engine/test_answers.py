"""Is it an answer? If not, a sentence says why."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from procedures.engine import questions
from procedures.engine.errors import AnswerError
from procedures.engine.questions import Question

APPROVAL = questions.approval("Go?")
TEXT = questions.text_input("Why?")
NAME = questions.text_input("Who?", Annotated[str, Field(min_length=2, max_length=4)])
CODE = questions.text_input("Which?", Annotated[str, Field(pattern="^[A-Z]{3}$")])
COUNT = questions.text_input("How many?", int)
BOXES = questions.text_input("How many?", Annotated[int, Field(ge=6, lt=1000, multiple_of=6)])
PRICE = questions.text_input("How much?", Decimal)
AMOUNT = questions.text_input("How much?", Annotated[Decimal, Field(gt=0, le=10, decimal_places=2)])
FLAG = questions.text_input("Is it?", bool)
DAY = questions.text_input("When?", date)
COLOUR = questions.choice("Which?", ["red", "blue"])
COLOURS = questions.choice("Which?", {"r": "Red", "b": "Blue"}, many=True)
LETTER = questions.review("Fine?", "Dear bob")
NUMBER_WORDS = r"The answer must be a number like 31\.20\."


@pytest.mark.parametrize(
    ("question", "value"),
    [
        *[(APPROVAL, True), (APPROVAL, False), (FLAG, False)],
        *[(TEXT, "because"), (TEXT, " so "), (TEXT, "\n🙂"), (NAME, "Bö"), (CODE, "EUR")],
        *[(COUNT, 0), (COUNT, -5), (COUNT, 10**30), (COUNT, 2.0), (BOXES, 6), (BOXES, 996)],
        *[(PRICE, 5), (PRICE, -0.5), (PRICE, "31.20"), (PRICE, "-007"), (PRICE, "+1")],
        *[(AMOUNT, "0.01"), (AMOUNT, 0.3), (AMOUNT, 10), (AMOUNT, "10.00")],
        *[(DAY, "2026-03-01"), (DAY, "2028-02-29")],
        *[(COLOUR, "red"), (COLOURS, ["b"]), (COLOURS, ["b", "r"])],
        *[(LETTER, {"decision": "approved"}), (LETTER, {"decision": "rejected"})],
        (LETTER, {"decision": "approved", "text": "Dear Bob"}),
    ],
)
def test_what_fits_the_question_is_an_answer(question: Question, value: object) -> None:
    assert question.check(value) is value


@pytest.mark.parametrize(
    ("question", "value", "sentence"),
    [
        (APPROVAL, 1, r"The answer must be yes or no \(true or false\)\."),
        (APPROVAL, 0, "yes or no"),
        (APPROVAL, "true", "yes or no"),
        (APPROVAL, None, "yes or no"),
        (FLAG, "false", "yes or no"),
        (TEXT, "", r"Write something\."),
        (TEXT, " \n\t", r"Write something\."),
        (TEXT, 5, r"The answer must be a text\."),
        (TEXT, None, "a text"),
        (NAME, "A", r"At least 2 characters\."),
        (NAME, "Alice", r"At most 4 characters\."),
        (CODE, "eur", r"It must match \^\[A-Z\]\{3\}\$\."),
        (COUNT, 1.5, r"The answer must be a whole number\."),
        (COUNT, "5", "a whole number"),
        (COUNT, True, "a whole number"),
        (BOXES, 0, r"At least 6\."),
        (BOXES, 1002, r"Less than 1000\."),
        (BOXES, 7, r"In steps of 6\."),
        *[(PRICE, wrong, NUMBER_WORDS) for wrong in ("much", "", "1e3", "NaN", "1,50", "٣", "5\n")],
        *[(PRICE, wrong, NUMBER_WORDS) for wrong in (True, None, [1], {"amount": 1}, " 5")],
        (AMOUNT, 0, r"More than 0\."),
        (AMOUNT, "-0.01", r"More than 0\."),
        (AMOUNT, "10.01", r"At most 10\."),
        (AMOUNT, "0.001", r"In steps of 0\.01\."),
        (AMOUNT, 0.001, r"In steps of 0\.01\."),
        (AMOUNT, 10**200, "too many digits"),
        (AMOUNT, "9" * 200, "too many digits"),
        (DAY, "1 March", r"The answer must be a date like 2026-12-31\."),
        *[(DAY, wrong, "a date") for wrong in ("2026-02-30", "20260301", "2026-W09-7", "")],
        (DAY, "2026-03-01T09:00:00", "a date"),
        (DAY, 20260301, "a text"),
        (COLOUR, "green", r"Choose one of: red, blue\."),
        (COLOUR, ["red"], "Choose one of"),
        (COLOURS, "r", r"The answer must be a list\."),
        (COLOURS, [], r"Choose at least 1\."),
        (COLOURS, ["r", "r"], r"Choose each option once\."),
        (COLOURS, ["r", "Blue"], r"1: Choose one of: r, b\."),
        (LETTER, "approved", r"The answer must be a set of named values\."),
        (LETTER, {}, r"Say decision\."),
        (LETTER, {"decision": "maybe"}, r"decision: Choose one of: approved, rejected\."),
        (LETTER, {"decision": "approved", "text": ""}, r"text: Write something\."),
        (LETTER, {"decision": "approved", "note": "x"}, r"Say only decision, text\."),
        (LETTER, {"decision": "rejected", "text": "x"}, "say why in the comment"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    question: Question, value: object, sentence: str
) -> None:
    with pytest.raises(AnswerError, match=sentence):
        question.check(value)


def nested(depth: int) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 1e400, "\ud800", 10**5000, nested(100_000), Decimal(5), object()],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("question", [APPROVAL, TEXT, PRICE, COLOURS])
def test_what_cannot_be_kept_is_no_answer(question: Question, value: object) -> None:
    with pytest.raises(AnswerError, match="cannot be kept"):
        question.check(value)


def test_the_sentence_for_an_unforeseen_rule_is_still_a_sentence() -> None:
    question = Question(questions.RequestKind.INPUT, "Which?", {"const": 1})

    with pytest.raises(AnswerError, match="This answer does not fit"):
        question.check(2)

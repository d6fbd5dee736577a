"""Is it an answer? If not, a sentence says why."""

from dataclasses import make_dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values import canonical
from procedures.engine.values.answers import Validator, check_answer

APPROVAL = new_question("approval", "Go?")
TEXT = new_question("input", "Why?")
NAME = new_question("input", "Who?", Annotated[str, Field(min_length=2, max_length=4)])
CODE = new_question("input", "Which?", Annotated[str, Field(pattern="^[A-Z]{3}$")])
LETTERS = new_question("input", "Which?", Annotated[str, Field(pattern=r"^\p{Lu}{3}$")])
COUNT = new_question("input", "How many?", int)
BOXES = new_question("input", "How many?", Annotated[int, Field(ge=6, lt=1000, multiple_of=6)])
PRICE = new_question("input", "How much?", Decimal)
AMOUNT = new_question(
    "input", "How much?", Annotated[Decimal, Field(gt=0, le=10, decimal_places=2)]
)
FLAG = new_question("input", "Is it?", bool)
DAY = new_question("input", "When?", date)
COLOUR = new_question("choice", "Which?", ["red", "blue"])
COLOURS = new_question("choice", "Which?", {"r": "Red", "b": "Blue"}, many=True)
LETTER = new_question("review", "Fine?", "Dear bob")
NUMBER_WORDS = r"The answer must be a number like 31\.20\."


@pytest.mark.parametrize(
    ("question", "value"),
    [
        *[(APPROVAL, True), (APPROVAL, False), (FLAG, False)],
        *[(TEXT, "because"), (TEXT, " so "), (TEXT, "\n🙂"), (NAME, "Bö"), (CODE, "EUR")],
        *[(COUNT, 0), (COUNT, -5), (COUNT, 10**30), (COUNT, 2.0), (BOXES, 6), (BOXES, 996)],
        *[(PRICE, 5), (PRICE, -0.5), (PRICE, "31.20"), (PRICE, "-007"), (PRICE, "+1")],
        *[(AMOUNT, "0.01"), (AMOUNT, 0.3), (AMOUNT, 10), (AMOUNT, "10.00")],
        *[(COUNT, 9.2e18), (COUNT, -9.2e18), (PRICE, 10**400), (LETTERS, "ÄÖÜ")],
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
        (TEXT, 5, r"The answer must be text\."),
        (TEXT, None, "must be text"),
        (NAME, "A", r"The answer must have at least 2 characters\."),
        (NAME, "Alice", r"The answer must have at most 4 characters\."),
        (CODE, "eur", r"It must match \^\[A-Z\]\{3\}\$\."),
        (CODE, "EUR\n", "It must match"),
        (LETTERS, "äöü", "It must match"),
        (COUNT, 1.5, r"The answer must be a whole number\."),
        *[(COUNT, wrong, "a whole number") for wrong in ("5", 1e19, 2.0**63, -(2.0**63))],
        (COUNT, True, "a whole number"),
        (BOXES, 0, r"The answer must be at least 6\."),
        (BOXES, 1002, r"The answer must be less than 1000\."),
        (BOXES, 7, r"The answer must be a multiple of 6\."),
        *[(PRICE, wrong, NUMBER_WORDS) for wrong in ("much", "", "1e3", "NaN", "1,50", "٣", "5\n")],
        *[(PRICE, wrong, NUMBER_WORDS) for wrong in (True, None, [1], {"amount": 1}, " 5")],
        (AMOUNT, 0, r"The answer must be more than 0\."),
        (AMOUNT, "-0.01", r"The answer must be more than 0\."),
        (AMOUNT, "10.01", r"The answer must be at most 10\."),
        (AMOUNT, "0.001", r"The answer must be a multiple of 0\.01\."),
        (AMOUNT, 0.001, r"The answer must be a multiple of 0\.01\."),
        (AMOUNT, 10**200, "too many digits"),
        (AMOUNT, "9" * 200, "too many digits"),
        (DAY, "1 March", r"The answer must be a date like 2026-12-31\."),
        *[(DAY, wrong, "a date") for wrong in ("2026-02-30", "20260301", "2026-W09-7", "")],
        (DAY, "2026-03-01T09:00:00", "a date"),
        (DAY, 20260301, "must be text"),
        (COLOUR, "green", r"Choose one of: red, blue\."),
        (COLOUR, ["red"], "Choose one of"),
        (COLOURS, "r", r"The answer must be a list\."),
        (COLOURS, [], r"Choose at least 1\."),
        (COLOURS, ["r", "r"], r"Choose each only once\."),
        (COLOURS, ["r", "b", "x"], r"Choose each only once\."),
        (COLOURS, ["r", "Blue"], r"1: Choose one of: r, b\."),
        (LETTER, "approved", r"The answer must be an object with named fields\."),
        (LETTER, {}, r"Fill in decision\."),
        (LETTER, {"decision": "maybe"}, r"decision: Choose one of: approved, rejected\."),
        (LETTER, {"decision": "approved", "text": ""}, r"text: Write something\."),
        (
            LETTER,
            {"decision": "approved", "note": "x"},
            r"Unknown field. The fields are: decision, text\.",
        ),
        (LETTER, {"decision": "rejected", "text": "x"}, "Give the reason in the comment"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    question: Question, value: object, sentence: str
) -> None:
    with pytest.raises(AnswerError, match=sentence):
        question.check(value)


class Measured(BaseModel):
    steps: Annotated[float, Field(multiple_of=0.1)] = 0.3
    length: float = 0
    boxes: int = 0
    codes: Annotated[list[Annotated[str, Field(pattern="^[A-Z]{3}$")]], Field(max_length=2)] = []


class Python(BaseModel):
    model_config = ConfigDict(regex_engine="python-re")
    code: str = Field(pattern="^(?!EUR)")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("steps", one) for one in (0.3, 0.7, 12.1, 5, 1e18)],
        *[("length", one) for one in (0.1, 10**300, 1e300)],
        *[("boxes", one) for one in (10**30, 9e18)],
        *[("codes", one) for one in ([], ["EUR"])],
    ],
)
def test_what_fits_a_field_is_surely_read_back(field: str, value: object) -> None:
    given = new_question("form", "Which?", Measured).check({field: value})

    assert canonical.load(given, Measured)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("steps", 0.35, r"steps: The answer must be a multiple of 0\.1\."),
        ("steps", 10**400, "steps: The answer has too many digits"),
        ("steps", 1e300, "steps: The answer has too many digits"),
        ("length", 10**400, "length: The answer has too many digits"),
        ("length", True, "length: The answer must be a number"),
        ("boxes", 1e19, "boxes: The answer must be a whole number"),
        ("codes", ["EUR", "EUR\n"], "codes: 1: It must match"),
    ],
)
def test_what_a_field_could_not_be_read_from_is_refused(
    field: str, value: object, sentence: str
) -> None:
    with pytest.raises(AnswerError, match=sentence):
        new_question("form", "Which?", Measured).check({field: value})


def test_the_patterns_of_python_are_read_where_a_model_wants_them() -> None:
    asked = new_question("form", "Which?", Python)

    assert asked.check({"code": "USD"})
    with pytest.raises(AnswerError, match="code: It must match"):
        asked.check({"code": "EUR"})


@pytest.mark.parametrize("pattern", ["[", "(?=x)"])
def test_a_pattern_that_nobody_can_read_is_no_question(pattern: str) -> None:
    hint = Annotated[str, Field(pattern=pattern)]

    with pytest.raises(QuestionError, match="regex parse error"):
        new_question("input", "Which?", hint)
    with pytest.raises(QuestionError, match=r"can't be a form: .*regex parse error"):
        new_question("form", "Which?", make_dataclass("Code", [("code", hint)]))


class Compared(int):
    """A whole number that counts how often it is compared."""

    times = 0
    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return int.__eq__(self, other) is True


def test_entries_are_not_compared_each_with_each() -> None:
    rules: dict[str, Any] = {"type": "array", "uniqueItems": True}
    entries = [one for number in range(500) for one in (Compared(number), str(number))]
    Compared.times = 0

    assert next(Validator(rules).iter_errors(entries), None) is None
    assert Compared.times < 5 * len(entries)


@pytest.mark.parametrize(
    ("entries", "is_valid"),
    [
        ([1, True, "1", [1], [True], {"a": 1}, {"a": True}, None, 0, False, ""], True),
        ([1, 1.0], False),
        ([0.10, 0.1], False),
        ([[1, 2], [1.0, 2]], False),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], False),
    ],
)
def test_equal_entries_are_found_as_json_compares_them(
    entries: list[Any], *, is_valid: bool
) -> None:
    rules: dict[str, Any] = {"type": "array", "uniqueItems": True}

    if is_valid:
        assert check_answer(entries, rules) == entries
        return
    with pytest.raises(AnswerError, match=r"Choose each only once\."):
        check_answer(entries, rules)


def test_an_option_that_is_a_number_is_not_yes_or_no() -> None:
    assert check_answer([2, 1.0], {"type": "array", "items": {"enum": [1, 2]}}) == [2, 1.0]
    with pytest.raises(AnswerError, match="Choose one of: 1, 2"):
        check_answer([True], {"type": "array", "items": {"enum": [1, 2]}})


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
    with pytest.raises(AnswerError, match="can't be stored"):
        question.check(value)


def test_the_sentence_for_an_unforeseen_rule_is_still_a_sentence() -> None:
    question = Question("input", "Which?", {"const": 1})

    with pytest.raises(AnswerError, match="This answer isn't valid"):
        question.check(2)

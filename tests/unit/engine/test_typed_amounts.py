"""Amounts as people type them, whose point may separate thousands."""

from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import Field

from procedures.engine import AnswerError, Currency
from procedures.engine.kinds.questions import new_question
from procedures.engine.kinds.words import read_text
from procedures.engine.values.money import AmbiguousAmountError, check_typed_amount
from procedures.engine.values.typed import read


def typed(code: str, text: str) -> str:
    question = new_question("input", "How much?", Annotated[Decimal, Currency(code)])
    word = question.rules.read_words(question, text).value
    field = read(question.schema, [text])
    assert question.check(word) == question.check(field)
    return str(question.check(word))


@pytest.mark.parametrize(
    ("code", "text", "ways"),
    [
        ("EUR", "1.000", "1000 or 1.00"),
        ("EUR", "31.200", "31200 or 31.20"),
        ("EUR", "-999.990 EUR", "-999990 or -999.99"),
        ("JPY", "10.000", "10000 or 10"),
    ],
)
def test_a_point_that_may_separate_thousands_is_asked_about(
    code: str, text: str, ways: str
) -> None:
    with pytest.raises(AnswerError, match=rf"can mean {ways}\. Write {ways}\.$"):
        typed(code, text)
    question = new_question("input", "How much?", Annotated[Decimal, Currency(code)])
    with pytest.raises(AmbiguousAmountError):
        read(question.schema, [text])


@pytest.mark.parametrize(
    ("code", "text"),
    [("EUR", "1.00"), ("EUR", "1000"), ("EUR", "0.500"), ("JPY", "1000"), ("BHD", "1.000")],
)
def test_other_amounts_are_read_as_they_are(code: str, text: str) -> None:
    assert typed(code, text) == text


@pytest.mark.parametrize(
    ("step", "text"), [("0.05", "1.000"), ("5", "5.000"), ("5", "1005.00"), ("0.25", "1.00")]
)
def test_the_currency_says_how_many_decimals_an_amount_has_whatever_its_steps_are(
    step: str, text: str
) -> None:
    francs = Annotated[Decimal, Currency("CHF"), Field(multiple_of=Decimal(step))]
    question = new_question("input", "How much?", francs)

    if text.endswith(".000"):
        with pytest.raises(AnswerError, match=r"can mean \d+ or \d\.00\."):
            question.rules.read_words(question, text)
        with pytest.raises(AmbiguousAmountError):
            read(question.schema, [text])
    else:
        assert question.check(read(question.schema, [text])) == text


@pytest.mark.parametrize("kind", ["number", "integer", "string"])
def test_amounts_of_a_json_schema_are_asked_about_too(kind: str) -> None:
    for schema in ({"type": kind, "currency": "EUR"}, {"type": kind, "multipleOf": 1.0}):
        with pytest.raises(AnswerError, match=r"can mean 1000 or 1(\.00)?\."):
            read_text(schema, "1.000")
        with pytest.raises(AmbiguousAmountError):
            read(schema, ["1.000"])
    with pytest.raises(AnswerError, match=r"Write 1234 or 1\.2340\."):
        read_text({"type": kind, "currency": "EUR"}, "1.234")
    dinars = {"type": kind, "currency": "BHD"}
    assert read(dinars, ["1.000 BHD"]) == {"number": 1.0, "string": "1.000"}.get(kind, "1.000")


def test_programs_may_send_any_number_of_zeros() -> None:
    question = new_question("input", "How much?", Annotated[Decimal, Currency("EUR")])

    assert question.check("1.000") == "1.000"


def test_numbers_without_a_smallest_unit_are_not_amounts() -> None:
    for schema in ({}, {"type": "string"}, {"multipleOf": 0.25}, {"multipleOf": 0.001}):
        check_typed_amount("1.000", schema)

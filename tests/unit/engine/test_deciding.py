"""The sentence for people whose answer is no longer needed."""

from typing import Any

import pytest

from procedures.engine.journal.events import closing
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.lifecycle.sets import closing_sentence

WHICH = new_question("choice", "Which?", {"a": "Apples", "b": "Pears"}, many=True)
PAY = new_question("approval", "Pay?", yes="Pay 31 €")
FINE = new_question("review", "Fine?", "Dear all")
NAME = new_question("input", "Name?")


def asked(question: Question) -> dict[str, Any]:
    return {"wait": "request", **question.as_json()}


@pytest.mark.parametrize(
    ("opened", "closed", "sentence"),
    [
        (
            {"wait": "timer"},
            closing("elapsed", responder="system: clock"),
            "A timer elapsed first.",
        ),
        (
            {"wait": "signal", "signal": "paid"},
            closing("received", 31, responder="bank"),
            "The signal paid arrived first, from bank.",
        ),
        (
            {"wait": "signal", "signal": "paid"},
            closing("expired", responder="system: deadline", timed_out=True),
            "The signal paid didn't arrive in time.",
        ),
        (
            {"wait": "child", "procedure": "refund"},
            closing("succeeded", responder="system: child"),
            "The child run refund ended first.",
        ),
        ({"wait": "set"}, closing("decided", responder="system: set"), ""),
        (
            asked(PAY),
            closing("approved", value=True, responder="bob"),
            "bob answered the related question “Pay?” with “Pay 31 €”.",
        ),
        (
            asked(WHICH),
            closing("answered", ["b", "a"], responder="bob"),
            "bob answered the related question “Which?” with “Pears, Apples”.",
        ),
        (
            asked(FINE),
            closing("edited", {"decision": "approved", "text": "Hi"}, responder="bob"),
            "bob answered the related question “Fine?” with “edited”.",
        ),
        (
            asked(NAME),
            closing("answered", "a secret", responder="bob"),
            "bob answered the related question “Name?”.",
        ),
        (
            asked(NAME),
            closing("withdrawn", responder="dave"),
            "The related question “Name?” was withdrawn.",
        ),
        (
            asked(NAME),
            closing("defaulted", None, responder="system: deadline", timed_out=True),
            "Nobody answered the related question “Name?” in time.",
        ),
    ],
)
def test_they_read_what_decided(
    opened: dict[str, Any], closed: dict[str, Any], sentence: str
) -> None:
    assert closing_sentence(opened, closed) == sentence

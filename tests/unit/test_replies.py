"""Typed words as answers: what can be meant in one way counts, nothing else."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from chat.services import read_reply
from chat.services.replies import NoReplyError
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import Question, new_question

PAY = new_question("approval", "Pay?", yes="Pay 31.20 €", no="Keep the money")
FRUIT = new_question("choice", "Which?", {"a": "Apples", "b": "Bread"})
NUMBERS = new_question("choice", "Which?", ["2", "3", "1"])
MANY = new_question("choice", "Which?", ["a", "b", "c"], many=True)
DRAFT = new_question("review", "Fine?", "Dear bob")
WORDS = {"send": "Send it", "items": "Request changes", "drop": "Drop it"}
DECIDED = new_question("review", "Fine?", {"total": 7}, decisions=WORDS)


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        (PAY, "yes", True),
        (PAY, " OK. ", True),
        (PAY, "pay 31.20 €", True),
        (PAY, "No!", False),
        (new_question("approval", "Go?", yes="!", no="?"), "!", True),
        (new_question("approval", "Go?", yes="👍", no="👎"), "👎", False),
        (new_question("approval", "Send?", yes="Größe A", no="No"), "GRO\u0308ßE a", True),
        (PAY, "keep  the money", False),
        (FRUIT, "a", "a"),
        (FRUIT, "BREAD", "b"),
        (FRUIT, "2", "b"),
        (MANY, "1, c", ["a", "c"]),
        (MANY, "b", ["b"]),
        (DRAFT, "approve", {"decision": "approved"}),
        (DRAFT, "no", {"decision": "rejected"}),
        (DECIDED, "request  changes!", {"decision": "items"}),
        (DECIDED, "drop", {"decision": "drop"}),
        (DECIDED, "ok", {"decision": "send"}),
        (new_question("input", "Name?"), "Snow white", "Snow white"),
        (new_question("input", "How many?", int), "12", 12),
        (new_question("input", "How much?", Decimal), "31.20", "31.20"),
        (new_question("input", "When?", date), "2026-12-24", "2026-12-24"),
        (new_question("input", "Wet?", bool), "y", True),
        (new_question("escalation", "Help!"), "Fixed: it runs again.", "Fixed: it runs again."),
        (new_question("action", "Send?", yes="Send"), "send", {"decision": "approved"}),
        (new_question("action", "Send?", yes="Send"), "no", {"decision": "rejected"}),
    ],
)
def test_words_with_one_meaning_answer(question: Question, text: str, value: Any) -> None:
    assert read_reply(question, text) == value


@pytest.mark.parametrize(
    ("question", "text", "sentence"),
    [
        (PAY, "maybe", "Answer yes or no"),
        (PAY, "yes, but not today", "Answer yes or no"),
        (new_question("approval", "Go?", yes="!", no="…"), ".", "Answer yes or no"),
        (new_question("approval", "Go?", yes="!", no="…"), "..", "Answer yes or no"),
        (FRUIT, "3", "isn't one of the options"),
        (FRUIT, "apples and bread", "isn't one of the options"),
        (NUMBERS, "1", "more than one"),
        (MANY, "a, x", "isn't one of the options"),
        (MANY, "a, a", "once"),
        (DRAFT, "nearly", "Answer yes or no"),
        (DECIDED, "no", "Answer with one of these: Send it, Request changes, Drop it"),
        (new_question("input", "How many?", int), "a dozen", "a whole number"),
        (
            new_question("input", "How many?", Annotated[int, Field(ge=1)]),
            "0",
            "The answer must be at least 1",
        ),
        (new_question("input", "How much?", Decimal), "31,20", "a number like 31.20"),
        (new_question("input", "When?", date), "tomorrow", "a date like"),
        (new_question("escalation", "Help!"), "What is it?", "Begin with “resolved”"),
    ],
)
def test_other_words_are_only_words(question: Question, text: str, sentence: str) -> None:
    with pytest.raises((NoReplyError, AnswerError), match=sentence):
        read_reply(question, text)

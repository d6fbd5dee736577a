"""Typed words as answers: what can be meant in one way counts, nothing else."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from chat.services import read_reply
from chat.services.replies import NoReplyError
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import (
    Question,
    approval,
    choice,
    escalation,
    review,
    text_input,
)

PAY = approval("Pay?", yes="Pay 31.20 €", no="Keep the money")
FRUIT = choice("Which?", {"a": "Apples", "b": "Bread"})
NUMBERS = choice("Which?", ["2", "3", "1"])
MANY = choice("Which?", ["a", "b", "c"], many=True)
DRAFT = review("Fine?", "Dear bob")
WORDS = {"send": "Send it", "items": "Request changes", "drop": "Drop it"}
DECIDED = review("Fine?", {"total": 7}, decisions=WORDS)


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        (PAY, "yes", True),
        (PAY, " OK. ", True),
        (PAY, "pay 31.20 €", True),
        (PAY, "No!", False),
        (approval("Go?", yes="!", no="?"), "!", True),
        (approval("Go?", yes="👍", no="👎"), "👎", False),
        (approval("Send?", yes="Größe A", no="No"), "GRO\u0308ßE a", True),
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
        (text_input("Name?"), "Snow white", "Snow white"),
        (text_input("How many?", int), "12", 12),
        (text_input("How much?", Decimal), "31.20", "31.20"),
        (text_input("When?", date), "2026-12-24", "2026-12-24"),
        (text_input("Wet?", bool), "y", True),
        (escalation("Help!"), "Fixed: it runs again.", "Fixed: it runs again."),
    ],
)
def test_words_with_one_meaning_answer(question: Question, text: str, value: Any) -> None:
    assert read_reply(question, text) == value


@pytest.mark.parametrize(
    ("question", "text", "sentence"),
    [
        (PAY, "maybe", "Say yes or no"),
        (PAY, "yes, but not today", "Say yes or no"),
        (approval("Go?", yes="!", no="…"), ".", "Say yes or no"),
        (approval("Go?", yes="!", no="…"), "..", "Say yes or no"),
        (FRUIT, "3", "none of them"),
        (FRUIT, "apples and bread", "none of them"),
        (NUMBERS, "1", "more than one"),
        (MANY, "a, x", "none of them"),
        (MANY, "a, a", "once"),
        (DRAFT, "nearly", "Say yes or no"),
        (DECIDED, "no", "Say one of these: Send it, Request changes, Drop it"),
        (text_input("How many?", int), "a dozen", "a whole number"),
        (text_input("How many?", Annotated[int, Field(ge=1)]), "0", "At least 1"),
        (text_input("How much?", Decimal), "31,20", "a number like 31.20"),
        (text_input("When?", date), "tomorrow", "a date like"),
        (escalation("Help!"), "What is it?", "Begin with “resolved”"),
    ],
)
def test_other_words_are_only_words(question: Question, text: str, sentence: str) -> None:
    with pytest.raises((NoReplyError, AnswerError), match=sentence):
        read_reply(question, text)

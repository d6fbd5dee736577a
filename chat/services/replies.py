"""Answers read from typed words, by the rules of the question's kind."""

from dataclasses import replace
from typing import Any

from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.words import NoReplyError, Reading

__all__ = ["NoReplyError", "read_reply", "reading_of"]


def read_reply(question: Question, text: str) -> Any:
    """Return the answer that the words mean; raise `NoReplyError` or `AnswerError` if none fits."""
    return reading_of(question, text).value


def reading_of(question: Question, text: str) -> Reading:
    """Return how the words are understood, with the checked value; raise as for `read_reply`."""
    reading = question.rules.read_words(question, text.strip())
    return replace(reading, value=question.check(reading.value))

"""Answers read from typed words, by the rules of the question's kind."""

from dataclasses import replace
from typing import Any

from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.words import NoReplyError, TypedAnswer

__all__ = ["NoReplyError", "read_reply", "reading_of"]


def read_reply(question: Question, text: str) -> Any:
    """Return the value that the typed words mean.

    Raises `NoReplyError` if the words are no answer, and `AnswerError` if their value is invalid.
    """
    return reading_of(question, text).value


def reading_of(question: Question, text: str) -> TypedAnswer:
    """Return how the typed words are understood, with the checked value.

    The result also says whether the words are literal: exactly the value or its label. Raises the
    same errors as `read_reply`.
    """
    reading = question.rules.read_words(question, text.strip())
    return replace(reading, value=question.check(reading.value))

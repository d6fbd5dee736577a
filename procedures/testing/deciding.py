"""Standing decisions in a test: answers that also decide later questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.standing import (
    LONGEST_DAYS,
    is_within,
    likeness,
    limits_of,
    step_of,
)
from procedures.engine.memory import MemoryRun
from procedures.testing.people import AskedWait, PendingAnswer


@dataclass
class Decision:
    """An answer that also decides a number of later questions."""

    content: Mapping[str, Any]
    version: tuple[str, str]
    """The name of the procedure that asked, and the version of its code."""
    step: str
    likeness: str
    limits: Mapping[str, str]
    begins_at: datetime
    uses_left: int

    def covers(self, asked: AskedWait, question: Question, run: MemoryRun) -> bool:
        """Return True if this decision also answers the question `question` of `run`.

        `asked` is the same question, in the form in which the people of a test receive it.
        """
        is_alike = (self.version, self.step) == (_version_of(run), step_of(asked.key))
        is_alike = is_alike and self.likeness == likeness(question)
        ends_at = self.begins_at + timedelta(days=LONGEST_DAYS)
        is_current = self.uses_left > 0 and self.begins_at <= asked.at < ends_at
        return is_alike and is_current and is_within(question, self.limits)


class Decisions:
    """The answers of one rehearsal that also decide later questions, the oldest first.

    A site also checks for each later question that whoever gave the answer may still answer it.
    Tests have no such rights.
    """

    def __init__(self) -> None:
        self._given: list[Decision] = []

    def note(self, answer: PendingAnswer, run: MemoryRun, *, at: datetime) -> None:
        """Remember an answer if it also decides later questions, which it does from `at` on."""
        asked, question = answer.asked, answer.asked.question
        if question and answer.also:
            alike = (step_of(asked.key), likeness(question), limits_of(question))
            self._given.append(Decision(answer.content, _version_of(run), *alike, at, answer.also))

    def answer_to(self, asked: AskedWait, run: MemoryRun) -> PendingAnswer | None:
        """Return an earlier answer that also decides this new question, or None.

        The use counts towards the number of questions that the earlier answer decides.
        """
        question = asked.question
        if question is None or not question.repeatable:
            return None
        for decision in self._given:
            if decision.covers(asked, question, run) and _is_valid(question, decision.content):
                decision.uses_left -= 1
                return PendingAnswer(asked, dict(decision.content), asked.at, is_final=True)
        return None


def _version_of(run: MemoryRun) -> tuple[str, str]:
    return run.procedure.name, run.procedure.version


def _is_valid(question: Question, content: Mapping[str, Any]) -> bool:
    try:
        value = question.check(content["value"])
        question.check_comment(value, content["comment"])
    except AnswerError:
        return False
    return True

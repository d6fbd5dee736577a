"""The kind of request that reports a problem, which people solve."""

import re
from typing import TYPE_CHECKING, Any

from procedures.engine.kinds.controls import Buttons, Control, Fields
from procedures.engine.kinds.kind import Kind, Outcome, Terms
from procedures.engine.kinds.question_options import OPERATORS
from procedures.engine.kinds.words import NoReplyError, TypedAnswer
from procedures.engine.values.answers import VISIBLE

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

SOLVED = {"resolved", "solved", "done", "fixed"}


class Escalation(Kind):
    """A problem that a run reports; people solve it and answer with a text about the solution.

    The procedure's operators are asked, unless the author names other assignees.
    """

    name = "escalation"
    verb = "escalate"
    badge = "Problem"

    def ask(self, prompt: str) -> Terms:
        return Terms({"type": "string", "pattern": VISIBLE}, assign=OPERATORS)

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        """Return a typed message as the answer if its first word says that the problem is solved.

        That word is "resolved", "solved", "done" or "fixed". Any other message only discusses the
        problem, and raises `NoReplyError`.
        """
        if re.split(r"\W", text.casefold(), maxsplit=1)[0] in SOLVED:
            return TypedAnswer(text, is_literal=False)
        raise NoReplyError("Begin with “resolved” and say what was done.")

    def typing_hint(self, question: "Question") -> str:
        return "“resolved: …”, or a message"

    def meaning_of(self, question: "Question", value: Any) -> str:
        return f"Resolve: {value}"

    def result_words(self, question: "Question", outcome: str, value: Any) -> str:
        return "Resolved" if outcome == Outcome.ANSWERED else ""

    def controls(self, question: "Question") -> list[Control]:
        done = Fields(
            schema=question.schema,
            label="What was done",
            hint="The run continues with this answer.",
        )
        return [done, Buttons(send="Resolve")]

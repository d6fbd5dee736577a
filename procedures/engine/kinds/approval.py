"""The kind of request that people approve or reject."""

from typing import TYPE_CHECKING, Any, ClassVar

from procedures.engine.kinds.controls import Buttons, Control
from procedures.engine.kinds.kind import Kind, Outcome, Terms
from procedures.engine.kinds.question_options import checked_text
from procedures.engine.kinds.words import TypedAnswer, plain_words, read_yes_or_no

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question


class Approval(Kind):
    """A question that people approve or reject.

    The two buttons are labelled "Approve" and "Reject", unless the author gives other labels.
    """

    name = "approval"
    verb = "approve"
    approves = True
    takes_yes_or_no = True
    default_labels: ClassVar = {"true": "Approve", "false": "Reject"}
    held_as = "approved"

    def ask(self, prompt: str, *, yes: str = "", no: str = "") -> Terms:
        given = {"true": checked_text("yes=", yes), "false": checked_text("no=", no)}
        labels = {value: words or self.default_labels[value] for value, words in given.items()}
        return Terms({"type": "boolean"}, labels=labels)

    def decisions(self, question: "Question") -> dict[str, str]:
        named = {"true": Outcome.APPROVED, "false": Outcome.REJECTED}
        return {str(name): question.labels[value] for value, name in named.items()}

    def decision_of(self, question: "Question", value: Any) -> str:
        return str(self.outcome_of(question, value))

    def takes_votes(self, question: "Question") -> bool:
        return True

    def outcome_of(self, question: "Question", value: Any) -> Outcome:
        return Outcome.APPROVED if value else Outcome.REJECTED

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        wanted, labels = plain_words(text), question.labels
        own = [value for value, words in labels.items() if plain_words(words) == wanted]
        if len(own) == 1:
            is_literal = labels[own[0]] != self.default_labels[own[0]]
            return TypedAnswer(own[0] == "true", is_literal)
        return TypedAnswer(read_yes_or_no(text), is_literal=False)

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        return self.label_of(question, value)

    def controls(self, question: "Question") -> list[Control]:
        return [Buttons(values=[(one, self.label_of(question, one)) for one in (True, False)])]

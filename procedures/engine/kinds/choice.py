"""The kind of request that offers options, of which people choose one or several."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Options
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.kinds.question_options import checked_flag
from procedures.engine.kinds.words import Reading, read_option, read_options
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

NEEDS_OPTIONS = "needs a list of options: strings, none of them empty."


class Choice(Kind):
    """A question that asks for one of the author's options, or with `many=True` for several."""

    name = "choice"
    verb = "choose"

    def ask(
        self, prompt: str, options: Sequence[str] | Mapping[str, str], *, many: bool = False
    ) -> Terms:
        """Return the terms of a choice.

        `options` are strings, or a mapping of strings to their labels.
        """
        if isinstance(options, set | frozenset):
            words = "needs a list of options, because a set has no order."
            raise QuestionError(f"{short_repr(prompt)} {words}")
        if isinstance(options, str) or not isinstance(options, Iterable):
            raise QuestionError(f"{short_repr(prompt)} {NEEDS_OPTIONS}")
        values = list(options)
        if not values or not all(map(_is_text, values)):
            raise QuestionError(f"{short_repr(prompt)} {NEEDS_OPTIONS}")
        labels = dict(options) if isinstance(options, Mapping) else {one: one for one in values}
        checked_flag("many=", many)
        one: dict[str, Any] = {"enum": list(labels)}
        several = {"type": "array", "items": one, "uniqueItems": True, "minItems": 1}
        return Terms(several if many else one, labels=labels)

    def decisions(self, question: "Question") -> dict[str, str]:
        """Return the options of a choice of one; several options at once are no decision."""
        return {} if _is_many(question) else question.options

    def decision_of(self, question: "Question", value: Any) -> str:
        return "" if _is_many(question) else str(value)

    def takes_votes(self, question: "Question") -> bool:
        return not _is_many(question)

    def read_words(self, question: "Question", text: str) -> Reading:
        reader = read_options if _is_many(question) else read_option
        return reader(question.options, text)

    def typing_hint(self, question: "Question") -> str:
        return "an option or its number"

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        return self.label_of(question, value)

    def controls(self, question: "Question") -> list[Control]:
        return [Options(labels=question.options, is_many=_is_many(question)), Buttons()]

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the chosen option, or a list of them; each may be given by value or by label."""
        if isinstance(value, list):
            return [self._option(question, one) for one in value]
        return self._option(question, value)

    @staticmethod
    def _option(question: "Question", value: Any) -> Any:
        by_label = {label: option for option, label in question.labels.items()}
        return value if value in question.labels else by_label.get(str(value), value)


def _is_many(question: "Question") -> bool:
    return question.schema.get("type") == "array"


def _is_text(option: object) -> bool:
    return isinstance(option, str) and bool(option.strip())

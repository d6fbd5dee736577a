"""The kind of request with which people choose one or several of the offered options."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Options
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.kinds.question_options import checked_flag
from procedures.engine.kinds.words import (
    NoReplyError,
    TypedAnswer,
    plain_words,
    read_option,
    read_options,
)
from procedures.engine.values.answers import VISIBLE, check_answer
from procedures.engine.values.spelling import short_repr
from procedures.engine.values.visible import visible_line

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

NEEDS_OPTIONS = "needs a list of options: strings, none of them empty."
USUAL_OTHER = "Something else"
LONGEST_OTHER = 2_000


class Choice(Kind):
    """A question that offers options, of which people choose one or, with `many=True`, one or more.

    With `other`, people can also write an answer that is none of the options.
    """

    name = "choice"
    verb = "choose"

    def ask(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: bool = False,
        descriptions: Mapping[str, str] | None = None,
        other: bool | str = False,
    ) -> Terms:
        """Return the `Terms` of a choice.

        `options` are strings, or a mapping of strings to their labels, such as {"de": "Germany"}.
        `descriptions` maps options to a line of text that is shown below the option's label; an
        option may lack a description. If `other` is True, or a label such as "Another country",
        people can also write an answer that is none of the options.
        """
        labels = _labels(prompt, options)
        checked_flag("many=", many)
        own = _label_of_other(prompt, other, labels)
        one: dict[str, Any] = {"enum": list(labels)}
        if own:
            text = {"type": "string", "pattern": VISIBLE, "maxLength": LONGEST_OTHER, "title": own}
            one = {"anyOf": [one, text]}
        several = {"type": "array", "items": one, "uniqueItems": True, "minItems": 1}
        described = {} if descriptions is None else descriptions
        return Terms(several if many else one, labels=labels, descriptions=described)

    def check(self, question: "Question", value: Any) -> Any:
        other = _other(question)
        if not other:
            return super().check(question, value)
        loose = {**question.schema, "items": other} if _is_many(question) else other
        found = self.read_said(question, check_answer(value, loose))
        return check_answer(found, loose)

    def decisions(self, question: "Question") -> dict[str, str]:
        """Return the options, each of which is a possible decision; {} with `many=True`."""
        return {} if _is_many(question) else question.options

    def decision_of(self, question: "Question", value: Any) -> str:
        return "" if _is_many(question) else str(value)

    def takes_votes(self, question: "Question") -> bool:
        return not _is_many(question)

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        reader = read_options if _is_many(question) else read_option
        try:
            return reader(question.options, text)
        except NoReplyError:
            own = self._own_words(question, text)
            if not own:
                raise
            return TypedAnswer([own] if _is_many(question) else own, is_literal=True)

    def typing_hint(self, question: "Question") -> str:
        if other := _other(question):
            return f"an option or its number, or “{other['title']}: …”"
        return "an option or its number"

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        other, chosen = _other(question), value if isinstance(value, list) else [value]
        known = [one if one in question.labels else other.get("title", one) for one in chosen]
        return self.label_of(question, known if isinstance(value, list) else known[0])

    def controls(self, question: "Question") -> list[Control]:
        options = Options(
            labels=question.options,
            descriptions=question.descriptions,
            other=_other(question).get("title", ""),
            is_many=_is_many(question),
        )
        return [options, Buttons()]

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the chosen option or, with `many=True`, the list of the chosen options.

        A test may name each option by its value or by its label; options are returned by value.
        """
        if isinstance(value, list):
            # Look the labels up once for all entries, of which there may be thousands.
            by_label = _by_label(question)
            return [self._option(question, one, by_label) for one in value]
        return self._option(question, value, _by_label(question))

    @staticmethod
    def _option(question: "Question", value: Any, by_label: Mapping[str, str]) -> Any:
        if isinstance(value, str) and value in question.labels:
            return value
        text = str(value)
        is_given = text in question.labels.values() or _other(question)
        return by_label.get(plain_words(text), value) if is_given else value

    @staticmethod
    def _own_words(question: "Question", text: str) -> str:
        """Return the part after the colon of a message such as "Something else: a bus".

        Returns "" unless the part before the colon is the label for answers that are none of the
        options.
        """
        before, _, own = text.partition(":")
        title = _other(question).get("title", "")
        return own.strip() if title and plain_words(before) == plain_words(title) else ""


def _by_label(question: "Question") -> dict[str, str]:
    return {plain_words(label): option for option, label in question.labels.items()}


def _labels(prompt: str, options: object) -> dict[str, str]:
    if isinstance(options, set | frozenset):
        words = "needs a list of options, because a set has no order."
        raise QuestionError(f"{short_repr(prompt)} {words}")
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise QuestionError(f"{short_repr(prompt)} {NEEDS_OPTIONS}")
    values = list(options)
    if not values or not all(map(_is_text, values)):
        raise QuestionError(f"{short_repr(prompt)} {NEEDS_OPTIONS}")
    return dict(options) if isinstance(options, Mapping) else {one: one for one in values}


def _label_of_other(prompt: str, other: object, labels: Mapping[str, Any]) -> str:
    """Return the label under which people write an answer that is none of the options.

    Returns "" if `other` is False. Raises `QuestionError` if the label is invalid, or if it is also
    the label of an option.
    """
    if isinstance(other, bool):
        label = USUAL_OTHER if other else ""
    elif isinstance(other, str) and other.strip():
        label = visible_line(other.strip())
    else:
        words = "other= must be True, False or a label that isn't empty"
        raise QuestionError(f"{short_repr(prompt)}: {words}, not {short_repr(other)}.")
    if label and plain_words(label) in {plain_words(str(one)) for one in labels.values()}:
        words = f"{label!r} is one of the options. Give other= another label"
        raise QuestionError(f"{short_repr(prompt)}: {words}.")
    return label


def _other(question: "Question") -> dict[str, Any]:
    """Return the schema of an answer that is none of the options.

    Returns {} if people must choose from the options.
    """
    one = question.schema.get("items", question.schema)
    found: dict[str, Any] = one["anyOf"][1] if "anyOf" in one else {}
    return found


def _is_many(question: "Question") -> bool:
    return question.schema.get("type") == "array"


def _is_text(option: object) -> bool:
    return isinstance(option, str) and bool(option.strip())

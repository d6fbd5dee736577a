"""The form of a request: its controls, what was typed, and the resulting answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict

from chat.models import HumanRequest
from chat.services import Echo, options_of, read_choice, read_text
from dashboard.forms.asked import AskedFields
from dashboard.forms.fields import Field, one_ending
from procedures.engine.errors import Fault
from procedures.engine.kinds.questions import Question, RequestKind

ASKS_WORDS = {RequestKind.INPUT, RequestKind.ESCALATION}
CONTROLS = {"integer": "integer", "boolean": "boolean"}
LONGEST_LINE = 200
LONGEST_IN_CARDS, LONGEST_ON_PAGES = 10_000, 250_000
"""Characters of a draft that can be edited in a card among others, or on its own page."""
MOST_OPTIONS, LARGEST_OPTIONS = 100, 20_000
"""Options, and their characters in total, that are shown one by one."""


@dataclass(frozen=True)
class AnswerForm:
    """The form for one request, with what one person has typed so far."""

    request: HumanRequest
    typed: QueryDict = field(default_factory=QueryDict)
    fault: str = ""
    faults: Sequence[Fault] = ()
    """The faults of a form's fields."""
    armed: Echo | None = None
    """An irreversible answer that was sent once and counts when it is sent again."""

    @cached_property
    def asked(self) -> Question:
        return self.request.asked

    @property
    def control(self) -> str:
        """The control for an input: text, lines, integer, decimal, date or boolean."""
        schema = self.asked.schema
        if schema.get("format") == "date":
            return "date"
        if schema.get("type") == "string":
            return "text" if schema.get("maxLength", LONGEST_LINE + 1) <= LONGEST_LINE else "lines"
        return CONTROLS.get(schema.get("type", ""), "decimal")

    @property
    def is_many(self) -> bool:
        return self.asked.schema.get("type") == "array"

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """The options as value, label and True if chosen."""
        chosen = self.typed.getlist("value")
        return [(value, label, value in chosen) for value, label in options_of(self.asked).items()]

    @property
    def option_count(self) -> int:
        return len(options_of(self.asked))

    @property
    def is_typed(self) -> bool:
        """True if the options are too many or too long to be shown one by one."""
        options = options_of(self.asked)
        weight = sum(len(value) + len(label) for value, label in options.items())
        return len(options) > MOST_OPTIONS or weight > LARGEST_OPTIONS

    @property
    def decisions(self) -> list[tuple[str, str]]:
        """The decisions of a review, with the labels of their buttons."""
        return list(self.asked.decisions.items())

    @property
    def is_edited_in_cards(self) -> bool:
        """True if a card shows the draft's editor; always if something was typed into it."""
        return "text" in self.typed or len(self.asked.draft or "") <= LONGEST_IN_CARDS

    @property
    def is_edited_on_pages(self) -> bool:
        return len(self.asked.draft or "") <= LONGEST_ON_PAGES

    @property
    def value(self) -> str:
        return str(self.typed.get("value", ""))

    @property
    def text(self) -> str:
        """The draft as it was edited."""
        return one_ending(str(self.typed.get("text", self.asked.draft or "")))

    @property
    def fields(self) -> list[Field]:
        """The fields a form asks for."""
        return self.asked_fields.drawn(self.request.pk)

    @property
    def asked_fields(self) -> AskedFields:
        return AskedFields(self.asked.schema, self.typed, self.faults)

    @property
    def comment(self) -> str:
        return one_ending(str(self.typed.get("comment", ""))).strip()

    def answer(self) -> Any:
        """Return the value that was sent; raises `AnswerError` if the text can't be one."""
        return ANSWERS[self.asked.kind](self)

    @property
    def is_taken_back(self) -> bool:
        """True if an armed button is to be disarmed."""
        return "disarm" in self.typed

    def confirms(self, value: Any) -> bool:
        """Return True if the sender has read this value's meaning on the armed button."""
        if not self.asked.irreversible or "confirms" not in self.typed:
            return False
        echo = Echo(self.request, self.asked.check(value))
        return bool(self.typed["confirms"] == echo.token)

    def own_words(self) -> str:
        """Return the sender's own text, to keep if it came too late."""
        own = [self.comment]
        if self.asked.kind in ASKS_WORDS and self.control != "boolean":
            own.insert(0, self.value.strip())
        if self.asked.kind == RequestKind.FORM:
            own[:0] = [f"{one.label}: {one.value}" for one in self.fields if one.value]
        if self.asked.kind == RequestKind.REVIEW and self.text != one_ending(
            self.asked.draft or ""
        ):
            own.insert(0, self.text)
        return "\n\n".join(words for words in own if words)


def _approval(form: AnswerForm) -> Any:
    return {"true": True, "false": False}.get(form.value)


def _input(form: AnswerForm) -> Any:
    if form.control == "boolean":
        return _approval(form)
    return read_text(form.asked, one_ending(form.value).strip())


def _escalation(form: AnswerForm) -> str:
    return one_ending(form.value).strip()


def _choice(form: AnswerForm) -> Any:
    if form.is_typed:
        return read_choice(form.asked, form.value)
    return form.typed.getlist("value") if form.is_many else form.value


def _review(form: AnswerForm) -> dict[str, str]:
    decision = {"decision": str(form.typed.get("decision", ""))}
    is_edited = form.text != one_ending(form.asked.draft or "")
    return {**decision, "text": form.text} if is_edited else decision


def _form(form: AnswerForm) -> dict[str, Any]:
    return form.asked_fields.answer()


ANSWERS = {
    RequestKind.APPROVAL: _approval,
    RequestKind.INPUT: _input,
    RequestKind.CHOICE: _choice,
    RequestKind.REVIEW: _review,
    RequestKind.FORM: _form,
    RequestKind.ESCALATION: _escalation,
}

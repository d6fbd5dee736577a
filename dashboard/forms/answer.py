"""The form of a request: its controls, the input so far, and the answer that results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict

from chat.models import HumanRequest
from chat.services import Echo
from dashboard.forms.schema import SchemaField, SchemaForm
from procedures.engine.errors import Fault
from procedures.engine.kinds.controls import OF_FIELD, Buttons, Control, Editor, Fields, Options
from procedures.engine.kinds.questions import Question
from procedures.engine.values.schemas import text_of
from procedures.engine.values.typed import LONG_TEXT, kind_of, may_be_empty, one_ending, texts_of

LONGEST_IN_CARDS, LONGEST_ON_PAGES = 10_000, 250_000
"""The most characters of a draft that can be edited in a card, and on a page of its own."""


@dataclass(frozen=True)
class AnswerForm:
    """The form for one request, with one person's input so far."""

    request: HumanRequest
    typed: QueryDict = field(default_factory=QueryDict)
    fault: str = ""
    faults: Sequence[Fault] = ()
    """The faults of single fields."""
    armed: Echo | None = None
    """An irreversible answer that was sent once, and becomes final when it is sent again."""

    @cached_property
    def asked(self) -> Question:
        return self.request.asked

    @cached_property
    def controls(self) -> list[Control]:
        return self.asked.controls

    @property
    def shown(self) -> list["ShownControl"]:
        """The controls above the comment, in order."""
        return [show_control(one, self) for one in self.controls if not isinstance(one, Buttons)]

    @property
    def buttons(self) -> Buttons:
        """The buttons below the comment; a single submit button if the kind of request has none."""
        return next((one for one in self.controls if isinstance(one, Buttons)), Buttons())

    @property
    def armed_text(self) -> str:
        """The value of the button that sends the armed answer."""
        assert self.armed
        value = self.armed.value
        return text_of(value[self.buttons.at] if self.buttons.at else value)

    @property
    def has_fields(self) -> bool:
        """True if the form has several fields, each of which shows its own fault."""
        return bool(self.asked.fields)

    @property
    def comment(self) -> str:
        return one_ending(str(self.typed.get("comment", ""))).strip()

    def texts(self, name: str) -> list[str]:
        """Return the texts typed into the control with this name."""
        return [str(text) for text in self.typed.getlist(name)]

    def answer(self) -> Any:
        """Return the value that was sent; raises `AnswerError` if it isn't a valid answer."""
        return self.asked.read_controls(self.texts)

    @property
    def is_taken_back(self) -> bool:
        """True if the person has withdrawn the armed answer."""
        return "disarm" in self.typed

    def confirms(self, value: Any) -> bool:
        """Return True if the sender pressed the armed button that states what this value means."""
        if not self.asked.irreversible or "confirms" not in self.typed:
            return False
        echo = Echo(self.request, self.asked.check(value))
        return bool(self.typed["confirms"] == echo.token)

    def own_words(self) -> str:
        """Return the text that the sender wrote, to be shown again if the answer came too late."""
        own = [words for one in self.controls for words in one.own_words(self.texts)]
        return "\n\n".join(words for words in [*own, self.comment] if words)


@dataclass(frozen=True)
class ShownControl:
    """A control with a person's input, ready to be drawn by its template."""

    control: Any
    form: AnswerForm

    @property
    def template(self) -> str:
        return f"chat/answers/{self.control.name}.html"

    @property
    def value(self) -> str:
        return str(self.control.last(self.form.texts))


class ShownFields(ShownControl):
    """The fields of an answer, drawn by a form of their own."""

    control: Fields

    @cached_property
    def fields(self) -> SchemaForm:
        """The form with the fields; if it has several, the first faulty one gets the focus."""
        return self._several() if self.control.is_several else self._one()

    def _several(self) -> SchemaForm:
        schema, form = self.control.schema, self.form
        fields = {
            name: SchemaField(
                name,
                one,
                initial=texts_of(one.get("default"), one),
                required=not may_be_empty(name, schema),
            )
            for name, one in schema["properties"].items()
        }
        typed = form.typed if form.typed or form.faults else None
        shown = SchemaForm(
            fields, typed, prefix=OF_FIELD[:-1], card=form.request.pk, has_focus=True
        )
        if typed is not None:
            shown.add_faults(form.faults)
        return shown

    def _one(self) -> SchemaForm:
        """Return the form of a single value, whose fault is shown above the form."""
        control, pk = self.control, self.form.request.pk
        kind, longest = kind_of(control.schema), control.schema.get("maxLength", LONG_TEXT + 1)
        is_long = kind == "text" and longest > LONG_TEXT
        field = SchemaField(
            control.sent_as, control.schema, initial=[""], kind="prose" if is_long else kind
        )
        field.label, field.help_text = control.label, control.hint or field.help_text
        field.refused_by = f"fault-{pk}" if self.form.fault else ""
        return SchemaForm({control.sent_as: field}, self.form.typed or None, card=pk)


class ShownOptions(ShownControl):
    """The options from which people choose an answer."""

    control: Options

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """The options: for each, its value, its label and True if it is chosen."""
        chosen = self.form.texts(self.control.sent_as)
        return [(value, label, value in chosen) for value, label in self.control.labels.items()]

    @property
    def count(self) -> int:
        return len(self.control.labels)


class ShownEditor(ShownControl):
    """The draft of an answer, which may be too long to be edited on a page."""

    control: Editor

    @property
    def text(self) -> str:
        return self.control.text(self.form.texts)

    @property
    def is_edited_in_cards(self) -> bool:
        """True if a card shows the editor; it always does once something was typed into it."""
        is_typed = self.control.sent_as in self.form.typed
        return is_typed or len(self.control.draft) <= LONGEST_IN_CARDS

    @property
    def is_edited_on_pages(self) -> bool:
        return len(self.control.draft) <= LONGEST_ON_PAGES


DRAWN: dict[type[Control], type[ShownControl]] = {
    Fields: ShownFields,
    Options: ShownOptions,
    Editor: ShownEditor,
}


def show_control(control: Control, form: AnswerForm) -> ShownControl:
    """Return a control for its template; one of the site's own is drawn like its base class."""
    found = (shown for of, shown in DRAWN.items() if isinstance(control, of))
    return next(found, ShownControl)(control, form)

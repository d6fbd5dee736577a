"""The form of a request: its controls, what was typed, and the resulting answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.http import QueryDict

from chat.models import HumanRequest
from chat.services import Echo
from dashboard.forms.fields import Field, field_of
from procedures.engine.errors import Fault
from procedures.engine.kinds.controls import OF_FIELD, Buttons, Control, Editor, Fields, Options
from procedures.engine.kinds.questions import Question
from procedures.engine.values.schemas import text_of
from procedures.engine.values.typed import LONG_TEXT, may_be_empty, one_ending, texts_of

LONGEST_IN_CARDS, LONGEST_ON_PAGES = 10_000, 250_000
"""Characters of a draft that can be edited in a card among others, or on its own page."""


@dataclass(frozen=True)
class AnswerForm:
    """The form for one request, with what one person has typed so far."""

    request: HumanRequest
    typed: QueryDict = field(default_factory=QueryDict)
    fault: str = ""
    faults: Sequence[Fault] = ()
    """The faults of the fields."""
    armed: Echo | None = None
    """An irreversible answer that was sent once and counts when it is sent again."""

    @cached_property
    def asked(self) -> Question:
        return self.request.asked

    @cached_property
    def controls(self) -> list[Control]:
        return self.asked.controls

    @property
    def shown(self) -> list["ShownControl"]:
        """The controls above the comment, in their order."""
        return [show_control(one, self) for one in self.controls if not isinstance(one, Buttons)]

    @property
    def buttons(self) -> Buttons:
        """The buttons below the comment; one that sends where the kind has none."""
        return next((one for one in self.controls if isinstance(one, Buttons)), Buttons())

    @property
    def armed_text(self) -> str:
        """The armed answer as its button sends it."""
        assert self.armed
        value = self.armed.value
        return text_of(value[self.buttons.at] if self.buttons.at else value)

    @property
    def has_fields(self) -> bool:
        """Tell whether each of several fields says what is wrong with it."""
        return bool(self.asked.fields)

    @property
    def comment(self) -> str:
        return one_ending(str(self.typed.get("comment", ""))).strip()

    def texts(self, name: str) -> list[str]:
        """Return what was typed under a name."""
        return [str(text) for text in self.typed.getlist(name)]

    def answer(self) -> Any:
        """Return the value that was sent; raises `AnswerError` if the text can't be one."""
        return self.asked.read_controls(self.texts)

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
        own = [words for one in self.controls for words in one.own_words(self.texts)]
        return "\n\n".join(words for words in [*own, self.comment] if words)


@dataclass(frozen=True)
class ShownControl:
    """A control with what one person has typed into it, as its template draws it."""

    control: Any
    form: AnswerForm

    @property
    def template(self) -> str:
        return f"chat/answers/{self.control.name}.html"

    @property
    def value(self) -> str:
        return str(self.control.last(self.form.texts))


class ShownFields(ShownControl):
    """The fields of an answer."""

    control: Fields

    @property
    def fields(self) -> list[Field]:
        """As the card shows them; of several, the first one with a fault has the focus."""
        if not self.control.is_several:
            return [self._one()]
        names = self.control.schema["properties"]
        found = [self._field(name, schema) for name, schema in names.items()]
        first = next((place for place, one in enumerate(found) if one.faults), None)
        return [
            replace(one, id=f"{self.form.request.pk}-{place}", has_focus=place == first)
            for place, one in enumerate(found)
        ]

    def _one(self) -> Field:
        """The field of a single value, whose fault is told above all."""
        control, pk = self.control, self.form.request.pk
        drawn = field_of(control.sent_as, control.schema, [self.value], is_required=True)
        is_long = control.schema.get("maxLength", LONG_TEXT + 1) > LONG_TEXT
        return replace(
            drawn,
            id=f"{pk}-{control.sent_as}",
            label=control.label,
            kind="prose" if drawn.kind == "text" and is_long else drawn.kind,
            help=control.hint or drawn.help,
            refused_by=f"fault-{pk}" if self.form.fault else "",
        )

    def _field(self, name: str, schema: dict[str, Any]) -> Field:
        form, sent_as = self.form, OF_FIELD + name
        typed = form.texts(sent_as) if form.typed else texts_of(schema.get("default"), schema)
        faults = [fault.message for fault in form.faults if fault.field == name]
        is_required = not may_be_empty(name, self.control.schema)
        drawn = field_of(name, schema, typed, is_required=is_required, faults=faults)
        return replace(drawn, name=sent_as)


class ShownOptions(ShownControl):
    """The options of an answer."""

    control: Options

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """The options as value, label and True if chosen."""
        chosen = self.form.texts(self.control.sent_as)
        return [(value, label, value in chosen) for value, label in self.control.labels.items()]

    @property
    def count(self) -> int:
        return len(self.control.labels)


class ShownEditor(ShownControl):
    """The draft of an answer, which may be too long to be edited."""

    control: Editor

    @property
    def text(self) -> str:
        return self.control.text(self.form.texts)

    @property
    def is_edited_in_cards(self) -> bool:
        """True if a card shows the editor; always if something was typed into it."""
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
    """Return a control as its template draws it; a site's own is drawn as what it is a kind of."""
    found = (shown for of, shown in DRAWN.items() if isinstance(control, of))
    return next(found, ShownControl)(control, form)

"""The controls with which people answer: buttons, fields, options, an editor.

Pages and programs depend on these controls only, not on the kinds of requests.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from procedures.engine.errors import AnswerError
from procedures.engine.kinds.words import NoReplyError, read_option, read_options, read_text
from procedures.engine.values import canonical
from procedures.engine.values.answers import check_form, completed
from procedures.engine.values.schemas import text_of
from procedures.engine.values.typed import (
    Texts,
    kind_of,
    one_ending,
    read_fields,
    read_value,
    typed_fields,
)

WHOLE = "value"
"""The name under which a page sends the whole answer."""
OF_FIELD = "field-"
"""The prefix of the names under which a page sends the fields of an object."""
ROWS = "rows"
"""The name of the only field of a table."""
NOTHING: Any = object()
MOST_OPTIONS, LARGEST_OPTIONS = 100, 20_000
"""The maximum number of options shown one by one, and of characters they may have in total."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A part of a request's form; its template is `chat/answers/NAME.html`."""

    name: ClassVar[str]
    at: str = ""
    """The property of the answer that the control sets; "" if it sets the whole answer."""

    @property
    def sent_as(self) -> str:
        """The name under which a page sends the control's value."""
        return self.at or WHOLE

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        """The values that the control offers, with their labels; empty if it takes any value."""
        return ()

    def describe(self, value: Any) -> str:
        """Return the description of a value that the control offers, or "" if it has none."""
        return ""

    def read(self, texts: Texts) -> Any:
        """Return the value that the sent strings stand for; NOTHING if the control sets no value.

        Raises `AnswerError` for invalid strings.
        """
        raise NotImplementedError

    def own_words(self, texts: Texts) -> list[str]:
        """Return the strings typed into the control, which are stored if the answer comes late."""
        return []

    def last(self, texts: Texts) -> str:
        """Return the last string sent for this control, with line feeds as its line endings."""
        return one_ending(str((list(texts(self.sent_as)) or [""])[-1]))


@dataclass(frozen=True, kw_only=True)
class Buttons(Control):
    """Buttons that each send a value, or a single button that submits the other controls."""

    name = "buttons"
    values: Sequence[tuple[Any, str]] = ()
    """The values with the labels of their buttons; empty for a single button."""
    has_main: bool = True
    """True if the first button is highlighted as the usual answer; False if no answer is usual."""
    send: str = "Answer"
    """The label of a single button, which submits the other controls."""

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        return self.values

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The values as the strings that a page sends, with the labels of their buttons."""
        return [(text_of(value), words) for value, words in self.values]

    def read(self, texts: Texts) -> Any:
        if not self.values:
            return NOTHING
        pressed = self.last(texts)
        return next((one for one, _ in self.values if text_of(one) == pressed), pressed)


@dataclass(frozen=True, kw_only=True)
class Fields(Control):
    """One field for each property of an object, or a single field for a plain value."""

    name = "fields"
    schema: Mapping[str, Any]
    label: str = "Your answer"
    """The label of a single field."""
    hint: str = ""
    """A hint below a single field."""

    @property
    def is_several(self) -> bool:
        return "properties" in self.schema

    def read(self, texts: Texts) -> Any:
        if self.is_several:
            return read_fields(self.schema, lambda name: texts(OF_FIELD + name))
        if kind_of(self.schema) == "datetime-local":
            return self._moment(texts)
        return read_text(self.schema, self.last(texts).strip())

    def _moment(self, texts: Texts) -> Any:
        try:
            return read_value(self.schema, self.sent_as, texts)
        except AnswerError as error:  # the fault concerns the whole answer, not a field in it
            raise AnswerError(error.faults[0].message) from None

    def own_words(self, texts: Texts) -> list[str]:
        if not self.is_several:
            return [self.last(texts).strip()]
        said = typed_fields(self.schema, lambda name: texts(OF_FIELD + name))
        return [f"{words}: {text}" for words, text in said if text]


@dataclass(frozen=True, kw_only=True)
class Options(Control):
    """Options of which people choose one, or several if `is_many`.

    If there are too many options to show, people type their choice.
    """

    name = "options"
    labels: Mapping[str, str]
    """The values of the options with their labels, in the author's order."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """Lines shown below the labels of some options, by value."""
    other: str = ""
    """The label for an answer other than the options; "" if only the options count."""
    is_many: bool = False

    def describe(self, value: Any) -> str:
        return self.descriptions.get(value, "")

    @property
    def other_sent_as(self) -> str:
        """The name under which a page sends an answer other than the options."""
        return f"{self.sent_as}-other"

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        return list(self.labels.items())

    @property
    def is_typed(self) -> bool:
        """True if the options are too many, or too long, to be shown one by one."""
        weight = sum(len(value) + len(words) for value, words in self.labels.items())
        return len(self.labels) > MOST_OPTIONS or weight > LARGEST_OPTIONS

    def read(self, texts: Texts) -> Any:
        if self.is_typed:
            return self._read_typed(self.last(texts))
        own, sent = self.own(texts), list(texts(self.sent_as))
        # The button for another answer sends "", which isn't the value of any option.
        chosen = [one for one in sent if one]
        if self.is_many:
            return [*chosen, own] if own else chosen
        return own if own and not chosen else (sent or [""])[-1]

    def own(self, texts: Texts) -> str:
        """Return the answer typed in place of an option; "" if there is none."""
        return str((list(texts(self.other_sent_as)) or [""])[-1]).strip() if self.other else ""

    def own_words(self, texts: Texts) -> list[str]:
        return [own] if (own := self.own(texts)) else []

    def _read_typed(self, text: str) -> Any:
        reader = read_options if self.is_many else read_option
        try:
            return reader(self.labels, text).value
        except NoReplyError as error:
            if self.other and text.strip():
                return [text.strip()] if self.is_many else text.strip()
            raise AnswerError(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class Uploads(Control):
    """A field for one file or several; a page sends the tokens of the uploaded files."""

    name = "uploads"
    schema: Mapping[str, Any]
    label: str = ""
    """The label of the field; "" for the usual label."""

    @property
    def is_many(self) -> bool:
        return bool(self.schema.get("type") == "array")

    def read(self, texts: Texts) -> Any:
        tokens = [text for text in texts(self.sent_as) if text]
        return tokens if self.is_many else (tokens or [NOTHING])[-1]


@dataclass(frozen=True, kw_only=True)
class Editor(Control):
    """An editor of a draft; an unchanged draft sets no value."""

    name = "editor"
    at: str = "text"
    draft: str = ""
    is_data: bool = False
    """True if the draft is edited as JSON."""
    shown_as: str = ""
    """The way in which the draft is shown above the editor; "" if only the editor shows it."""

    def text(self, texts: Texts) -> str:
        """Return the edited draft, or the original if no draft was sent."""
        return self.last(texts) if list(texts(self.sent_as)) else one_ending(self.draft)

    def read(self, texts: Texts) -> Any:
        return self.text(texts) if self._is_edited(texts) else NOTHING

    def own_words(self, texts: Texts) -> list[str]:
        return [self.text(texts)] if self._is_edited(texts) else []

    def _is_edited(self, texts: Texts) -> bool:
        return self.text(texts) != one_ending(self.draft)


@dataclass(frozen=True, kw_only=True)
class Table(Fields):
    """The rows of a draft, edited field by field; unchanged rows set no value."""

    name = "table"
    at: str = "text"
    draft: str = ""
    """The original rows, as JSON text."""

    def read(self, texts: Texts) -> Any:
        # A hidden field tells that the page has shown the rows; if people removed all rows, nothing
        # else is sent.
        if not any(texts(self.sent_as)):
            return NOTHING
        rows = check_form(super().read(texts), dict(self.schema))[ROWS]
        is_same = canonical.text_of(rows) == canonical.text_of(json.loads(self.draft))
        return NOTHING if is_same else json.dumps(rows, indent=2, ensure_ascii=False)

    def own_words(self, texts: Texts) -> list[str]:
        try:
            text = self.read(texts)
        except AnswerError:
            return super().own_words(texts)
        return [] if text is NOTHING else [text]


@dataclass(frozen=True, kw_only=True)
class Changes(Fields):
    """The proposed values of an action, one field each; unchanged values set no value."""

    name = "changes"
    at: str = "values"

    @property
    def is_several(self) -> bool:
        return True

    def read(self, texts: Texts) -> Any:
        # A hidden field tells that the page has shown the fields; a button elsewhere doesn't show
        # them.
        return super().read(texts) if any(texts(self.sent_as)) else NOTHING

    def own_words(self, texts: Texts) -> list[str]:
        try:
            given = self.read(texts)
        except AnswerError:
            return super().own_words(texts)
        is_new = given is not NOTHING and check_form(given, dict(self.schema)) != self.proposed
        return super().own_words(texts) if is_new else []

    @property
    def proposed(self) -> Any:
        """The values that were proposed."""
        return completed({}, self.schema)


def read_controls(controls: Sequence[Control], texts: Texts) -> Any:
    """Return the answer that the controls set together, or None if they set no value."""
    answer: Any = None
    for control in controls:
        said = control.read(texts)
        if said is not NOTHING:
            answer = {**(answer or {}), control.at: said} if control.at else said
    return answer

"""The controls of a request's form, with which people answer: buttons, fields, options, an editor.

Pages and programs know these controls, and don't depend on the kinds of requests.
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
    read_fields,
    read_value,
    typed_fields,
    with_line_feeds,
)

WHOLE = "value"
"""The name of the form field in which a page sends an answer that has no properties."""
OF_FIELD = "field-"
"""The prefix of the names of form fields that hold one property each, as in "field-amount"."""
ROWS = "rows"
"""The only property in the schema of a `Table`: the list of the table's rows."""
NOTHING: Any = object()
MOST_OPTIONS, LARGEST_OPTIONS = 100, 20_000
"""The maximum number of options that a page shows, and of characters in these options.

If there are more, people type their choice. MOST_OPTIONS limits the number of options,
LARGEST_OPTIONS the number of characters in all values and labels together.
"""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A part of a request's form; the template `chat/answers/<name>.html` draws it."""

    name: ClassVar[str]
    at: str = ""
    """The property of the answer that the control sets; "" if it sets the answer as a whole."""

    @property
    def sent_as(self) -> str:
        """The name of the form field in which a page sends the control's value."""
        return self.at or WHOLE

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        """The values that the control offers, with their labels; empty if it offers none."""
        return ()

    def describe(self, value: Any) -> str:
        """Return the author's description of a value that the control offers, or ""."""
        return ""

    def read(self, texts: Texts) -> Any:
        """Return the value for the strings that a page has sent in the form fields of the control.

        Returns NOTHING if the control leaves its part of the answer unset. Raises `AnswerError` for
        invalid strings.
        """
        raise NotImplementedError

    def own_words(self, texts: Texts) -> list[str]:
        """Return the strings that a person has typed into the control.

        If the answer comes too late, the page shows these strings to that person again.
        """
        return []

    def last(self, texts: Texts) -> str:
        """Return the last string sent in the control's form field; CRLF becomes a line feed."""
        return with_line_feeds(str((list(texts(self.sent_as)) or [""])[-1]))


@dataclass(frozen=True, kw_only=True)
class Buttons(Control):
    """A button for each value, or a single button that submits what the other controls hold."""

    name = "buttons"
    values: Sequence[tuple[Any, str]] = ()
    """Pairs of a value and the label of its button; empty for a single button."""
    has_main: bool = True
    """True if the first button is highlighted as the usual answer; False if no answer is usual."""
    send: str = "Answer"
    """The label of a single button, which submits the other controls."""

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        return self.values

    @property
    def texts(self) -> list[tuple[str, str]]:
        """A pair for each button: the string that a page sends, and the label of the button."""
        return [(text_of(value), words) for value, words in self.values]

    def read(self, texts: Texts) -> Any:
        if not self.values:
            return NOTHING
        pressed = self.last(texts)
        return next((one for one, _ in self.values if text_of(one) == pressed), pressed)


@dataclass(frozen=True, kw_only=True)
class Fields(Control):
    """A field for each property of an answer that is an object; else a single field."""

    name = "fields"
    schema: Mapping[str, Any]
    label: str = "Your answer"
    """The label of the field if the control has only one."""
    hint: str = ""
    """The hint below the field if the control has only one."""

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
        typed = typed_fields(self.schema, lambda name: texts(OF_FIELD + name))
        return [f"{words}: {text}" for words, text in typed if text]


@dataclass(frozen=True, kw_only=True)
class Options(Control):
    """A list of options, of which people choose one or, if `is_many` is True, one or more.

    If there are too many options to show, people type their choice.
    """

    name = "options"
    labels: Mapping[str, str]
    """The label of each option by the option's value, in the author's order."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """The line shown below an option's label, by the option's value; an option may have no line."""
    other: str = ""
    """The label under which people write an answer that is none of the options, or "".

    If it is "", people must choose from the options.
    """
    is_many: bool = False

    def describe(self, value: Any) -> str:
        return self.descriptions.get(value, "")

    @property
    def other_sent_as(self) -> str:
        """The name of the form field for an answer that is none of the options."""
        return f"{self.sent_as}-other"

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        return list(self.labels.items())

    @property
    def is_typed(self) -> bool:
        """True if there are too many options, or too long ones, for the page to show them all."""
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
        """Return the answer that is none of the options; "" if people wrote no such answer."""
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
    """A field for one file or several files.

    A page sends a token for each file, which names the file that was uploaded before.
    """

    name = "uploads"
    schema: Mapping[str, Any]
    label: str = ""
    """The label of the field; "" for the label that pages use by default."""

    @property
    def is_many(self) -> bool:
        return bool(self.schema.get("type") == "array")

    def read(self, texts: Texts) -> Any:
        tokens = [text for text in texts(self.sent_as) if text]
        return tokens if self.is_many else (tokens or [NOTHING])[-1]


@dataclass(frozen=True, kw_only=True)
class Editor(Control):
    """A field in which people edit a draft.

    If people left the draft unchanged, the answer holds no draft.
    """

    name = "editor"
    at: str = "text"
    draft: str = ""
    is_data: bool = False
    """True if the draft is edited as JSON."""
    shown_as: str = ""
    """The format in which the page shows the draft above the editor, such as "markdown".

    If it is "", only the editor shows the draft.
    """

    def text(self, texts: Texts) -> str:
        """Return the draft that the page has sent, or the original draft if the page sent none."""
        return self.last(texts) if list(texts(self.sent_as)) else with_line_feeds(self.draft)

    def read(self, texts: Texts) -> Any:
        return self.text(texts) if self._is_edited(texts) else NOTHING

    def own_words(self, texts: Texts) -> list[str]:
        return [self.text(texts)] if self._is_edited(texts) else []

    def _is_edited(self, texts: Texts) -> bool:
        return self.text(texts) != with_line_feeds(self.draft)


@dataclass(frozen=True, kw_only=True)
class Table(Fields):
    """A table in which people edit the rows of a draft, value by value.

    The answer holds no draft if people left all rows unchanged.
    """

    name = "table"
    at: str = "text"
    draft: str = ""
    """The original rows as a JSON list, from which `Table.read` tells if people changed any."""

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
    """A field for each proposed value of an action, in which people change the value.

    The value of a field that people left unchanged stays as proposed.
    """

    name = "changes"
    at: str = "values"

    @property
    def is_several(self) -> bool:
        return True

    def read(self, texts: Texts) -> Any:
        # A hidden field tells that the page has shown the fields; a button elsewhere doesn't show
        # them.
        if not any(texts(self.sent_as)):
            return NOTHING
        return read_fields(self.schema, lambda name: texts(OF_FIELD + name), first=self.proposed)

    def own_words(self, texts: Texts) -> list[str]:
        try:
            given = self.read(texts)
        except AnswerError:
            return super().own_words(texts)
        is_new = given is not NOTHING and check_form(given, dict(self.schema)) != self.proposed
        return super().own_words(texts) if is_new else []

    @property
    def proposed(self) -> Any:
        """The proposed values, which are the defaults in the schema of the fields."""
        return completed({}, self.schema)


def read_controls(controls: Sequence[Control], texts: Texts) -> Any:
    """Return the answer whose parts the controls set; None if no control sets a value."""
    answer: Any = None
    for control in controls:
        typed = control.read(texts)
        if typed is not NOTHING:
            answer = {**(answer or {}), control.at: typed} if control.at else typed
    return answer

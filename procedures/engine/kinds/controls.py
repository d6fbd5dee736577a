"""The controls by which people answer: buttons, fields, options, an editor.

Pages and programs know these, and no kinds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from procedures.engine.errors import AnswerError
from procedures.engine.kinds.words import NoReplyError, read_option, read_options, read_text
from procedures.engine.values.schemas import label, text_of
from procedures.engine.values.typed import one_ending, read_fields

WHOLE = "value"
"""The name under which a page sends the whole answer."""
OF_FIELD = "field-"
"""The prefix of an object's fields, because a card has other fields too."""
NOTHING: Any = object()
MOST_OPTIONS, LARGEST_OPTIONS = 100, 20_000
"""Options, and their characters in total, that are shown one by one."""
Texts = Callable[[str], Sequence[str]]
"""A function that returns the texts sent under a name."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A part of the form of a request; its template is `chat/answers/NAME.html`."""

    name: ClassVar[str]
    at: str = ""
    """The property of the answer that it sets; "" if it sets the whole answer."""

    @property
    def sent_as(self) -> str:
        """The name under which a page sends it."""
        return self.at or WHOLE

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        """The values it offers, with their words; empty if any value may be given."""
        return ()

    def read(self, texts: Texts) -> Any:
        """Return the value the texts give, or NOTHING.

        Raise `AnswerError` if they can't be an answer.
        """
        raise NotImplementedError

    def own_words(self, texts: Texts) -> list[str]:
        """Return the texts somebody typed here, which are kept if they came too late."""
        return []

    def last(self, texts: Texts) -> str:
        """Return the text that was sent, with line feeds."""
        return one_ending(str((list(texts(self.sent_as)) or [""])[-1]))


@dataclass(frozen=True, kw_only=True)
class Buttons(Control):
    """Buttons that each send a value; without values, one button that sends the other controls."""

    name = "buttons"
    values: Sequence[tuple[Any, str]] = ()
    """Values with the words on their buttons."""
    has_main: bool = True
    """True if the first button is drawn as the usual answer; False where no answer is usual."""
    send: str = "Answer"
    """The words on the button that only sends."""

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        return self.values

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The values as a page sends them, with the words on their buttons."""
        return [(text_of(value), words) for value, words in self.values]

    def read(self, texts: Texts) -> Any:
        if not self.values:
            return NOTHING
        pressed = self.last(texts)
        return next((one for one, _ in self.values if text_of(one) == pressed), pressed)


@dataclass(frozen=True, kw_only=True)
class Fields(Control):
    """The fields of an object, or the one field of a value."""

    name = "fields"
    schema: Mapping[str, Any]
    label: str = "Your answer"
    """The label of the one field."""
    hint: str = ""
    """A line below a single field."""

    @property
    def is_several(self) -> bool:
        return "properties" in self.schema

    def read(self, texts: Texts) -> Any:
        if self.is_several:
            return read_fields(self.schema, lambda name: texts(OF_FIELD + name))
        return read_text(self.schema, self.last(texts).strip())

    def own_words(self, texts: Texts) -> list[str]:
        if not self.is_several:
            return [self.last(texts).strip()]
        said = {name: "\n".join(texts(OF_FIELD + name)) for name in self.schema["properties"]}
        properties = self.schema["properties"]
        return [f"{label(name, properties[name])}: {text}" for name, text in said.items() if text]


@dataclass(frozen=True, kw_only=True)
class Options(Control):
    """Options of which one is chosen, or with `is_many` several; too many options are typed."""

    name = "options"
    labels: Mapping[str, str]
    """The values with their words, in the author's order."""
    is_many: bool = False

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:
        return list(self.labels.items())

    @property
    def is_typed(self) -> bool:
        """True if the options are too many, or too long, to be shown one by one."""
        weight = sum(len(value) + len(words) for value, words in self.labels.items())
        return len(self.labels) > MOST_OPTIONS or weight > LARGEST_OPTIONS

    def read(self, texts: Texts) -> Any:
        if not self.is_typed:
            return list(texts(self.sent_as)) if self.is_many else self.last(texts)
        reader = read_options if self.is_many else read_option
        try:
            return reader(self.labels, self.last(texts)).value
        except NoReplyError as error:
            raise AnswerError(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class Editor(Control):
    """A draft that people may change; an unchanged draft gives no value."""

    name = "editor"
    at: str = "text"
    draft: str = ""
    is_data: bool = False
    """True if the draft is edited as JSON."""

    def text(self, texts: Texts) -> str:
        """Return the draft as it was edited, else the original."""
        return self.last(texts) if list(texts(self.sent_as)) else one_ending(self.draft)

    def read(self, texts: Texts) -> Any:
        return self.text(texts) if self._is_edited(texts) else NOTHING

    def own_words(self, texts: Texts) -> list[str]:
        return [self.text(texts)] if self._is_edited(texts) else []

    def _is_edited(self, texts: Texts) -> bool:
        return self.text(texts) != one_ending(self.draft)


def read_controls(controls: Sequence[Control], texts: Texts) -> Any:
    """Return the answer that the controls make together, or None if they give no value."""
    answer: Any = None
    for control in controls:
        said = control.read(texts)
        if said is not NOTHING:
            answer = {**(answer or {}), control.at: said} if control.at else said
    return answer

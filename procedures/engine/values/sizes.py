"""Limits on the size of what people read, type and send; anything larger is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import AnswerError, SizeError
from procedures.engine.values import canonical
from procedures.engine.values.schemas import count_fields

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

TO_READ = "Move the details to body= or evidence=."
AS_FILE = "Keep the rest as a file (File.keep in a step), and show what matters."
IN_PIECES = "Ask two questions instead of one, for example for a group, then for an option in it."
SHORTER = "Write a shorter one."
CHARACTERS, JSON, LEVELS = "characters", "characters of JSON", "levels"
Excess = tuple[str, int, str, int, str]
"""A part to check: its name, size and unit, the limit, and advice for a part that is too large."""


@dataclass(frozen=True)
class Sizes:
    """The largest sizes allowed, in characters unless stated otherwise.

    The size of something is checked when it is asked, posted or sent. If a limit is lowered later,
    stored data stays valid: a replay accepts everything that an earlier claim has accepted.
    """

    prompt: int = 1_000
    label: int = 500
    """The limit for the label of a button, an option, or a field of a form."""
    options: int = 500
    """The largest number of options of a choice, or of fields in a form."""
    body: int = 50_000
    draft: int = 200_000
    """The limit for the draft under review, both the original and the edited draft."""
    evidence: int = 256 * 1024
    """The limit for the canonical JSON of a question's evidence, metadata or schema."""
    depth: int = 50
    """The maximum number of levels of nesting in evidence, metadata, and the value of a signal."""
    answer: int = 20_000
    """The limit for the text of an answer, or of each field in a form."""
    comment: int = 10_000
    message: int = 10_000
    """The limit for a person's message in a chat session."""
    notice: int = 10_000
    """The limit for a notice, an alert, a log line, or a line of progress."""
    written: int = 5_000_000
    """The limit for the text that one attempt of a step writes."""
    stage: int = 2_000
    signal: int = 256 * 1024
    """The limit for the canonical JSON of a signal's value or default."""
    reason: int = 1_000
    """The limit for an operator's reason for an operation, or an author's reason for a wait."""

    def __post_init__(self) -> None:
        for one in fields(self):
            most = getattr(self, one.name)
            if type(most) is not int or most < 1:
                raise ValueError(
                    f"Invalid size {most!r} of {one.name}. Use a whole number of at least 1."
                )

    def check_question(self, question: "Question") -> None:
        """Raise `SizeError` for the first part of a question that is too large."""
        for excess in self._parts(question):
            _check(*excess)

    def _parts(self, question: "Question") -> Iterator[Excess]:
        labels = [*question.labels, *question.labels.values(), *question.fields]
        fields = count_fields(question.schema) if question.fields else 0
        count = max(len(question.labels), fields)
        yield "The prompt", len(question.prompt), CHARACTERS, self.prompt, TO_READ
        yield "The question", count, "options or fields", self.options, IN_PIECES
        yield "A label", max(map(len, labels), default=0), CHARACTERS, self.label, TO_READ
        yield "The body", len(question.body), CHARACTERS, self.body, AS_FILE
        yield "The draft", len(question.draft or ""), CHARACTERS, self.draft, AS_FILE
        yield "The evidence", _length_of_json(question.evidence), JSON, self.evidence, AS_FILE
        yield "The metadata", _length_of_json(question.metadata), JSON, self.evidence, AS_FILE
        yield "The evidence", depth_of(question.evidence), LEVELS, self.depth, AS_FILE
        yield "The metadata", depth_of(question.metadata), LEVELS, self.depth, AS_FILE
        yield "The schema", _length_of_json(question.schema), JSON, self.evidence, IN_PIECES
        yield "The default", _longest(question.default), CHARACTERS, self.draft, SHORTER

    def check_answer(self, question: "Question", value: Any) -> None:
        """Raise `AnswerError` if a text in the answer, or the JSON of the answer, is too long."""
        most = self.answer if question.draft is None else self.draft
        if (longest := _longest(value)) > most:
            raise AnswerError(f"The answer has {longest:,} characters; the limit is {most:,}.")
        is_nested = isinstance(value, dict | list)
        if is_nested and (size := _length_of_json(value)) > (whole := max(self.evidence, 2 * most)):
            raise AnswerError(f"The answer has {size:,} {JSON}; the limit is {whole:,}.")

    def check_signal(self, value: Any) -> None:
        """Raise `AnswerError` if a signal's value is too long as JSON, or nested too deeply."""
        if (size := _length_of_json(value)) > self.signal:
            raise AnswerError(f"The value has {size:,} {JSON}; the limit is {self.signal:,}.")
        if (depth := depth_of(value)) > self.depth:
            words = f"The value is nested {depth:,} levels deep; the limit is {self.depth:,}."
            raise AnswerError(words)

    def check_note(self, what: str, text: str) -> None:
        """Raise `SizeError` if the text is too long; `what` is its kind, such as "stage"."""
        most = self.stage if what == "stage" else self.notice
        _check(f"The text of this {what}", len(text), CHARACTERS, most, AS_FILE)

    def check_posted(self, content: Mapping[str, Any]) -> None:
        """Raise `SizeError` if the body or the data of a notice exceeds its limit."""
        _check(
            "The body of this notice", len(content.get("body", "")), CHARACTERS, self.body, AS_FILE
        )
        if (data := content.get("data")) is not None:
            what = "The data of this notice"
            _check(what, _length_of_json(data), JSON, self.evidence, AS_FILE)
            _check(what, depth_of(data), LEVELS, self.depth, AS_FILE)

    def check_reason(self, of: str, reason: str) -> None:
        """Raise `SizeError` if an author's reason for a wait is too long; `of` names the wait."""
        _check(f"reason= of {of}", len(reason), CHARACTERS, self.reason, SHORTER)

    def check_default(self, of: str, value: Any) -> None:
        """Raise `SizeError` if the default of a signal is too large; `of` names the signal."""
        what = f"The default of {of}"
        _check(what, _length_of_json(value), JSON, self.signal, SHORTER)


USUAL_SIZES = Sizes()
"""The sizes of a site that sets none."""


def cut(text: str, most: int) -> str:
    """Return the text cut to `most` characters, with a note such as "… (120 more characters)"."""
    if len(text) <= most:
        return text
    return f"{text[:most].rstrip()}… ({len(text) - most:,} more characters)"


def depth_of(value: Any) -> int:
    """Return the number of levels in plain data: 0 for a string, 1 for a list of strings."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [
            inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def _check(what: str, size: int, unit: str, most: int, remedy: str) -> None:
    if size > most:
        large = f"is nested {size:,} levels deep" if unit == LEVELS else f"has {size:,} {unit}"
        raise SizeError(f"{what} {large}; the limit is {most:,}. {remedy}")


def _longest(value: Any) -> int:
    """Return the length of a string, or of the longest value in an object or a list of objects.

    The length of any other value is the length of its canonical JSON.
    """
    if isinstance(value, str):
        return len(value)
    is_list_of_objects = isinstance(value, list) and any(isinstance(one, dict) for one in value)
    if isinstance(value, dict) or is_list_of_objects:
        inner = value.values() if isinstance(value, dict) else value
        return max(map(_longest, inner), default=0)
    return _length_of_json(value)


def _length_of_json(value: Any) -> int:
    return 0 if value is None else len(canonical.text_of(value))

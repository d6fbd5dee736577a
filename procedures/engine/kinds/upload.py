"""The kind of request that asks for files."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Uploads
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.kinds.question_options import checked_flag
from procedures.engine.kinds.words import NoReplyError, TypedAnswer
from procedures.engine.values.answers import check_parts
from procedures.engine.values.attachments import UNITS, file_schema
from procedures.engine.values.files import File
from procedures.engine.values.schemas import format_value
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/(\*|[a-z0-9][a-z0-9.+-]*)")
SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(kB|MB|GB)\s*")
MOST_FILES = 100
INSTEAD = "This request asks for a file. Send it with the form of the request."


class Upload(Kind):
    """A question that people answer with a file or, with `many=True`, with one or more files."""

    name = "upload"

    def ask(
        self,
        prompt: str,
        *,
        accept: str | Sequence[str] = (),
        largest: str | int | None = None,
        many: bool = False,
    ) -> Terms:
        """Return the `Terms` of an upload.

        `accept` is a media type or a list of media types, such as "application/pdf" or "image/*".
        `largest` is the maximum size of each file: a number of bytes, or a string such as "5 MB".
        """
        checked_flag("many=", many)
        one = file_schema(_media_types(prompt, accept), _size(prompt, largest))
        if not many:
            return Terms(one, type=File)
        several = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_FILES}
        return Terms(several, type=list[File])

    def check(self, question: "Question", value: Any) -> Any:
        return check_parts(value, question.schema)

    def check_default(self, question: "Question", default: Any) -> Any:
        if default is None:
            return default
        raise QuestionError(
            f"{question.prompt!r}: the default of an upload can only be None, not a file."
        )

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        raise NoReplyError(INSTEAD)

    def typing_hint(self, question: "Question") -> str:
        return "a message (send the file in the form above)"

    def label_of(self, question: "Question", value: Any) -> str:
        return ", ".join(format_value(value, question.schema).splitlines())

    def controls(self, question: "Question") -> list[Control]:
        return [Uploads(schema=question.schema), Buttons(send="Send")]


def _media_types(prompt: str, accept: object) -> tuple[str, ...]:
    given = (accept,) if isinstance(accept, str) else accept
    if not isinstance(given, Sequence) or not all(map(_is_media_type, given)):
        words = 'accept= must be media types such as "application/pdf" or "image/*"'
        raise QuestionError(f"{short_repr(prompt)}: {words}, not {short_repr(accept)}.")
    return tuple(given)


def _is_media_type(one: object) -> bool:
    return isinstance(one, str) and bool(MEDIA_TYPE.fullmatch(one))


def _size(prompt: str, largest: object) -> int | None:
    """Return the value of `largest=` as a number of bytes, or None if there is no limit.

    Raises `QuestionError` unless the value is a positive number of bytes or a string such as "5
    MB".
    """
    if largest is None:
        return None
    size = largest
    if isinstance(size, str) and (found := SIZE.fullmatch(size)):
        size = int(float(found[1]) * UNITS[found[2]])
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        words = 'largest= must be a size such as "5 MB", or a number of bytes'
        raise QuestionError(f"{short_repr(prompt)}: {words}, not {short_repr(largest)}.")
    return size

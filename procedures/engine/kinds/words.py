"""Reading of typed messages as answers; only unambiguous messages count."""

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.values.money import KEYWORD as CURRENCY
from procedures.engine.values.money import without_code
from procedures.engine.values.reading import plain_float, plain_int

YES = {"yes", "y", "ok", "okay", "approve", "approved"}
NO = {"no", "n", "reject", "rejected"}


class NoReplyError(EngineError):
    """The error for a typed message that isn't an answer, or could be several answers."""


@dataclass(frozen=True)
class Reading:
    """The answer that a typed message stands for."""

    value: Any
    is_literal: bool
    """True if the message is the author's own label or the answer itself, and means nothing else.

    Any other message ("ok", the number of an option) counts only after its writer has seen the
    answer it stands for and has sent the message again.
    """


def plain_words(text: str) -> str:
    """Return the text for comparison, ignoring case, spaces, a final . or !, and Unicode form."""
    plain = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return plain.rstrip(".!") or plain


def read_yes_or_no(text: str) -> bool:
    """Return True for a yes and False for a no; raise `NoReplyError` for other words."""
    if plain_words(text) in YES:
        return True
    if plain_words(text) in NO:
        return False
    raise NoReplyError("Answer yes or no.")


def read_text(schema: Mapping[str, Any], text: str) -> Any:
    """Return the value that the text stands for by the schema; a decimal stays a string."""
    kind = schema.get("type")
    if kind == "boolean":
        return read_yes_or_no(text)
    if kind == "integer":
        return read_whole_number(text)
    if kind == "number":
        return read_number(text)
    return without_code(text, schema[CURRENCY]) if CURRENCY in schema else text


def read_whole_number(text: str) -> int:
    """Return the whole number in the text; raise `AnswerError` for anything else."""
    try:
        return plain_int(text)
    except ValueError:
        raise AnswerError("The answer must be a whole number.") from None


def read_number(text: str) -> float:
    """Return the number in the text; raise `AnswerError` for anything else."""
    try:
        return plain_float(text)
    except ValueError:
        raise AnswerError("The answer must be a number.") from None


def read_options(options: Mapping[str, str], text: str) -> Reading:
    """Return the options named in the text, where commas separate several of them."""
    with suppress(NoReplyError):
        one = read_option(options, text)
        return Reading([one.value], one.is_literal)
    chosen = [read_option(options, part) for part in text.split(",")]
    return Reading([one.value for one in chosen], all(one.is_literal for one in chosen))


def read_option(options: Mapping[str, str], text: str) -> Reading:
    """Return the option that the text names by its value, label or number.

    Raises `NoReplyError` if the text names no option, or more than one.
    """
    wanted = plain_words(text)
    fits = {
        value: wanted == plain_words(label)
        for number, (value, label) in enumerate(options.items(), start=1)
        if wanted in {plain_words(value), plain_words(label), str(number)}
    }
    if len(fits) == 1:
        return Reading(*fits.popitem())
    if fits:
        raise NoReplyError("That fits more than one option. Answer with an option or its number.")
    raise NoReplyError("That isn't one of the options. Answer with an option or its number.")

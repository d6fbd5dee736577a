"""Typed words read as answers: only unambiguous ones count."""

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.values.reading import plain_int

YES = {"yes", "y", "ok", "okay", "approve", "approved"}
NO = {"no", "n", "reject", "rejected"}


class NoReplyError(EngineError):
    """Words that answer nothing, or could mean several answers."""


@dataclass(frozen=True)
class Reading:
    """The answer that typed words stand for."""

    value: Any
    is_literal: bool
    """True if the words are the author's own label, or the answer itself, and mean nothing else.

    All others ("ok", the number of an option) count only after their writer has seen what they mean
    and has sent them again.
    """


def plain_words(text: str) -> str:
    """Return the text without differences in case, blanks, a full stop or accents' encoding."""
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
    """Return the value of the text by that schema; a decimal stays a text with every digit."""
    kind = schema.get("type")
    if kind == "boolean":
        return read_yes_or_no(text)
    if kind == "integer":
        return read_whole_number(text)
    return text


def read_whole_number(text: str) -> int:
    """Return the whole number in the text; raise `AnswerError` for anything else."""
    try:
        return plain_int(text)
    except ValueError:
        raise AnswerError("The answer must be a whole number.") from None


def read_options(options: Mapping[str, str], text: str) -> Reading:
    """Return the options that a text names, separated by commas."""
    with suppress(NoReplyError):
        one = read_option(options, text)
        return Reading([one.value], one.is_literal)
    chosen = [read_option(options, part) for part in text.split(",")]
    return Reading([one.value for one in chosen], all(one.is_literal for one in chosen))


def read_option(options: Mapping[str, str], text: str) -> Reading:
    """Return the option named by value, label or number; an ambiguous name matches none."""
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

"""Functions that read typed chat messages as answers; an ambiguous message isn't an answer."""

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.values.money import KEYWORD as CURRENCY
from procedures.engine.values.money import (
    AmbiguousAmountError,
    check_typed_amount,
    without_code,
)
from procedures.engine.values.reading import plain_float, plain_int

YES = {"yes", "y", "ok", "okay", "approve", "approved"}
NO = {"no", "n", "reject", "rejected"}


class NoReplyError(EngineError):
    """A typed message isn't an answer, or could mean more than one answer."""


@dataclass(frozen=True)
class TypedAnswer:
    """An answer that is meant by a typed message."""

    value: Any
    is_literal: bool
    """True if the message is the answer itself, or a label in the author's own words.

    Any other message, such as "ok" or the number of an option, doesn't count immediately. Its
    writer is shown which answer it means, and must then send the message again.
    """


def plain_words(text: str) -> str:
    """Return the text in a form in which two texts with the same meaning are equal.

    Upper and lower case, the number of spaces, a final "." or "!" and Unicode forms make no
    difference.
    """
    plain = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return plain.rstrip(".!") or plain


def read_yes_or_no(text: str) -> bool:
    """Return True for "yes" or "ok", False for "no", and likewise for a few other words.

    Raises `NoReplyError` for all other text.
    """
    if plain_words(text) in YES:
        return True
    if plain_words(text) in NO:
        return False
    raise NoReplyError("Answer yes or no.")


def read_text(schema: Mapping[str, Any], text: str) -> Any:
    """Return the value that a typed text has by the schema: a bool, an int, a float or a string.

    A decimal number is returned as a string, without the code of its currency. Raises
    `NoReplyError` if the schema needs a bool and the text isn't one, and `AnswerError` if the
    schema needs a number and the text isn't one, or may be read as two different amounts.
    """
    kind = schema.get("type")
    if kind == "boolean":
        return read_yes_or_no(text)
    plain = without_code(text, schema[CURRENCY]) if CURRENCY in schema else text
    try:
        check_typed_amount(plain, {**schema.get("anyOf", [schema])[0], **schema})
    except AmbiguousAmountError as error:
        raise AnswerError(str(error)) from None
    if kind == "integer":
        return read_whole_number(plain)
    return read_number(plain) if kind == "number" else plain


def read_whole_number(text: str) -> int:
    """Return the text as a whole number; raise `AnswerError` if it isn't one."""
    try:
        return plain_int(text)
    except ValueError:
        raise AnswerError("The answer must be a whole number.") from None


def read_number(text: str) -> float:
    """Return the text as a number; raise `AnswerError` if it isn't one."""
    try:
        return plain_float(text)
    except ValueError:
        raise AnswerError("The answer must be a number.") from None


def read_options(options: Mapping[str, str], text: str) -> TypedAnswer:
    """Return the options that commas separate in a text such as "1, Berlin"."""
    with suppress(NoReplyError):
        one = read_option(options, text)
        return TypedAnswer([one.value], one.is_literal)
    chosen = [read_option(options, part) for part in text.split(",")]
    return TypedAnswer([one.value for one in chosen], all(one.is_literal for one in chosen))


def read_option(options: Mapping[str, str], text: str) -> TypedAnswer:
    """Return the option whose value, label or number is the text; the first option's number is 1.

    Raises `NoReplyError` if the text fits no option, or more than one.
    """
    wanted = plain_words(text)
    fits = {
        value: wanted == plain_words(label)
        for number, (value, label) in enumerate(options.items(), start=1)
        if wanted in {plain_words(value), plain_words(label), str(number)}
    }
    if len(fits) == 1:
        return TypedAnswer(*fits.popitem())
    if fits:
        raise NoReplyError("That fits more than one option. Answer with an option or its number.")
    raise NoReplyError("That isn't one of the options. Answer with an option or its number.")

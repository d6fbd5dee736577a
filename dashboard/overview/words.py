"""Sentences that contain times, and durations, sizes and names in readable forms."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from string import Formatter
from typing import Literal
from unicodedata import bidirectional
from uuid import UUID

from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _

from procedures.access import OPERATE

Style = Literal["plain", "strong", "code", "time"]
Show = Literal["clock", "seconds", "axis", "axis-seconds", "age", "ago", "full"]
KILO = 1000
FINE, COARSE, MINUTE, HOUR, DAY = 0.1, 10, 60, 3600, 86400
"""Limits in seconds that decide how a duration is written.

Durations below FINE are in milliseconds. Those below COARSE are in seconds with a decimal.
"""
LONGEST = 90
AMOUNT = re.compile(
    r"(?<=\d) (?=(?:[€$£¥%]|[A-Z]{3}\b|(?:ms|s|min|h|d|kg|g|km|m|KB|MB|GB)\b))"
    r"|(?<=[€$£¥]) (?=\d)"
)
"""A pattern for the space between a number and a unit or currency, such as that in "31 EUR"."""
MOST_INITIALS = 2


@dataclass(frozen=True)
class SentencePart:
    """A part of a sentence: a text with a style, or a time to show in the viewer's time zone."""

    text: str
    style: Style = "plain"
    at: datetime | None = None
    show: Show = "clock"
    is_value: bool = field(default=False, compare=False)
    """True if this part was inserted into the message as a value, such as a name or a prompt."""

    def __str__(self) -> str:
        return f"{self.at:%H:%M}" if self.at else self.text

    @property
    def as_value(self) -> "SentencePart":
        return SentencePart(self.text, self.style, self.at, self.show, is_value=True)


@dataclass(frozen=True)
class Sentence:
    """A sentence in parts, so that templates can style each of them."""

    parts: tuple[SentencePart, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def words(self) -> str:
        """The sentence as plain text; times in it are left out."""
        return "".join(part.text for part in self.parts)


Value = str | int | SentencePart | datetime | Sentence


def sentence(message: str, /, **values: Value) -> Sentence:
    """Return a message as parts, with a value for each of its placeholders.

    A value that is a `SentencePart` or a `Sentence` keeps its styles.
    """
    parts: list[SentencePart] = []
    for text, name in _parsed(message):
        if text:
            parts.append(text)
        if name:
            parts += _parts(values[name])
    return Sentence(tuple(parts))


@lru_cache(maxsize=2048)
def _parsed(message: str) -> tuple[tuple[SentencePart | None, str | None], ...]:
    """Return the texts of a message, each with the name of the placeholder that follows it."""
    found = Formatter().parse(message)
    return tuple(
        (SentencePart(text) if text else None, name) for text, name, _format, _conversion in found
    )


def paragraph(*sentences: Sentence | None) -> Sentence:
    """Join sentences with spaces between them; None values are left out."""
    return _joined([one for one in sentences if one], SentencePart(" "))


def list_and(items: Sequence[Sentence]) -> Sentence:
    return _listed(items, _("{first} and {last}"))


def list_or(items: Sequence[Sentence]) -> Sentence:
    return _listed(items, _("{first} or {last}"))


def _listed(items: Sequence[Sentence], pattern: str) -> Sentence:
    *first, last = items
    return sentence(pattern, first=_joined(first, SentencePart(", ")), last=last) if first else last


def _joined(sentences: Sequence[Sentence], between: SentencePart) -> Sentence:
    parts = [part for one in sentences for part in (between, *one.parts)]
    return Sentence(tuple(parts[1:]))


def _parts(value: Value) -> Sequence[SentencePart]:
    if isinstance(value, Sentence):
        return value.parts
    if isinstance(value, datetime):
        return [moment(value, "clock")]
    if isinstance(value, SentencePart):
        return [value.as_value] if value.text or value.at else []
    text = value if isinstance(value, str) else f"{value:,}"
    return [SentencePart(text, is_value=True)] if text else []


def with_reason(event: Sentence, reason: str) -> Sentence:
    """Return the sentence with the reason after a colon, or unchanged without a reason."""
    if not reason:
        return event
    return sentence(_("{event}: {reason}"), event=event, reason=shortened(reason, 200))


def with_comment(event: Sentence, comment: str) -> Sentence:
    """Return the sentence with the comment in quotes, or unchanged without a comment."""
    if not comment:
        return event
    return sentence(_("{event}: “{comment}”"), event=event, comment=shortened(comment, 300))


def strong(text: str) -> SentencePart:
    return SentencePart(text, "strong")


def code(text: str) -> SentencePart:
    return SentencePart(text, "code")


def moment(at: datetime, show: Show) -> SentencePart:
    return SentencePart("", "time", at, show)


def format_duration(length: timedelta) -> str:
    """Return a short text such as "12 ms", "0.4 s", "16 min", "2 h 5 min" or "3 d 2 h"."""
    seconds = max(length.total_seconds(), 0)
    if seconds < MINUTE:
        return _short(seconds)
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min"
    if seconds < DAY:
        return _two(f"{seconds // HOUR:.0f} h", seconds % HOUR // MINUTE, "min")
    return _two(f"{seconds // DAY:.0f} d", seconds % DAY // HOUR, "h")


def _short(seconds: float) -> str:
    """Return a duration of less than a minute; the shorter it is, the more precise."""
    if 0 < seconds < 1 / KILO:
        return "< 1 ms"
    if seconds < FINE:
        return f"{seconds * KILO:.0f} ms"
    return f"{seconds:.1f} s" if seconds < COARSE else f"{seconds:.0f} s"


def _two(first: str, rest: float, unit: str) -> str:
    return f"{first} {rest:.0f} {unit}" if rest else first


def format_size(size: int) -> str:
    if size < KILO:
        return ngettext("{count} byte", "{count} bytes", size).format(count=size)
    if size < KILO * KILO:
        return f"{size / KILO:.0f} KB"
    return f"{size / KILO / KILO:.1f} MB"


def short_id(key: UUID) -> str:
    """Return the last seven digits of an id, because ids made at similar times begin alike."""
    text = key.hex[-7:]
    return f"{text[:4]}·{text[4:]}"


def run_code(run_id: str) -> SentencePart:
    """Return the short form of a run's id, drawn as code."""
    return code(short_id(UUID(run_id)))


def progress_words(done: float, total: float | None) -> str:
    """Return progress such as "3 of 10", with at most two decimals; `done` is cut to `total`."""
    if not total:
        return _plain_number(done)
    parts = {"done": _plain_number(min(done, total)), "total": _plain_number(total)}
    return _("{done} of {total}").format(**parts)


def spent_words(sums: Mapping[str, Decimal]) -> str:
    """Return the amounts that a run has spent, such as "3 requests · 1,200 tokens · 0.02 USD"."""
    return " · ".join(_spent(name, number) for name, number in sums.items())


def _spent(unit: str, number: Decimal) -> str:
    count, shown = 1 if number == 1 else 2, _amount(number)
    match unit:  # the units of agents; other units are the author's words
        case "requests":
            return ngettext("{number} request", "{number} requests", count).format(number=shown)
        case "tokens":
            return ngettext("{number} token", "{number} tokens", count).format(number=shown)
    return f"{shown} {unit}"


def _amount(number: Decimal) -> str:
    """Return an amount with at most six decimals, such as "0.000125"."""
    text = f"{number:,.6f}"
    return text.rstrip("0").rstrip(".")


def _plain_number(number: float) -> str:
    text = f"{number:,.2f}"
    return text.rstrip("0").rstrip(".")


def listed(items: Iterable[str], joint: Literal["and", "or"] = "and") -> str:
    """Return words as a list, such as "a, b and c"."""
    *first, last = list(items) or [""]
    pattern = _("{first} and {last}") if joint == "and" else _("{first} or {last}")
    return pattern.format(first=", ".join(first), last=last) if first else last


def initials(name: str) -> str:
    """Return two letters for an avatar: "AL" for "alice", "AB" for "Ana Blum"."""
    words = name.replace("_", " ").replace(".", " ").replace("-", " ").split()
    if len(words) >= MOST_INITIALS:
        return (words[0][0] + words[1][0]).upper()
    return name[:MOST_INITIALS].upper()


def name_of(target: str) -> str:
    """Return an assignee for people to read: "Finance" for "finance", "bob" for "@bob"."""
    if target.startswith("@"):
        return target[1:]
    if target in {"role:operate", f"perm:{OPERATE}"}:
        return _("the procedure's operators")
    if target.startswith("perm:"):
        permission = target.removeprefix("perm:")
        return _("people with the permission {permission}").format(permission=permission)
    return target[:1].upper() + target[1:]


def asked(assign: Sequence[str], answerers: Sequence[str]) -> str:
    """Return the assignees in words; if there are none, the groups `answerers`."""
    return listed(map(name_of, assign or answerers), "or") or _("administrators")


def who(responder: str) -> str:
    """Return the name of a responder, without the prefix "system: "."""
    return responder.removeprefix("system: ") if responder.startswith("system: ") else responder


def is_person(responder: str) -> bool:
    return bool(responder) and not responder.startswith("system")


def unbroken(text: str) -> str:
    """Return the text with non-breaking spaces between numbers and their units or currencies."""
    return AMOUNT.sub("\N{NO-BREAK SPACE}", text)


def is_foreign(text: str) -> bool:
    """Return True if a text has letters that run against the direction of the page's language.

    An example is a Hebrew word on an English page.
    """
    if get_language_bidi():
        return any(bidirectional(one) == "L" for one in text)
    return not text.isascii() and any(bidirectional(one) in ("R", "AL") for one in text)


def shortened(text: str, length: int = LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"

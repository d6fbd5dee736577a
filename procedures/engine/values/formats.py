"""Formats of strings in answers: dates, times, durations, e-mail addresses and web addresses."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta

from pydantic import TypeAdapter, ValidationError

from procedures.engine.values.durations import LONGEST, UNITS

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOMENT = re.compile(rf"{DAY.pattern}[T ]{CLOCK.pattern}(Z|[+-][0-9]{{2}}:[0-9]{{2}})")
MAIL = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,250}")
WEB = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
PART = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*"
    r"(ms|seconds?|sec|s|minutes?|min|m|hours?|h|days?|d|weeks?|w)(?![a-z])",
    re.ASCII,
)
SPOKEN = re.compile(rf"\s*(?:{PART.pattern}[\s,]*)+", re.ASCII)
ZERO = timedelta(0)
LENGTHS = TypeAdapter(timedelta)
LONGEST_TEXT = 100
"""The largest number of characters in a date, a time or a duration."""


@dataclass(frozen=True)
class Format:
    """A format of strings: the check of a string, and a phrase that describes valid ones."""

    is_valid: Callable[[str], bool]
    noun: str
    """A phrase such as "a time like 09:30", which ends the sentence "The answer must be …"."""


def is_date(text: str) -> bool:
    return bool(DAY.fullmatch(text)) and _is_read(date.fromisoformat, text)


def is_moment(text: str) -> bool:
    """Return True for a date and time with an offset from UTC: "2026-12-31T09:30+01:00"."""
    # Convert to UTC, because the offset may move the moment out of the years that Python can
    # represent.
    return bool(MOMENT.fullmatch(text)) and _is_read(_in_utc, text)


def is_time(text: str) -> bool:
    return bool(CLOCK.fullmatch(text)) and _is_read(time.fromisoformat, text)


def is_duration(text: str) -> bool:
    return read_duration(text) is not None


def is_mail(text: str) -> bool:
    return bool(MAIL.fullmatch(text))


def is_web(text: str) -> bool:
    return bool(WEB.fullmatch(text))


FORMATS: Mapping[str, Format] = {
    "date": Format(is_date, "a date like 2026-12-31"),
    "date-time": Format(is_moment, "a date and time with its zone, like 2026-12-31T09:30+01:00"),
    "time": Format(is_time, "a time like 09:30"),
    "duration": Format(is_duration, "a duration like 90 min, 2 hours or 3 days"),
    "email": Format(is_mail, "an e-mail address like ann@example.com"),
    "uri": Format(is_web, "a web address like https://example.com"),
}
"""The formats of strings that an answer may have, by the name of the format in JSON Schema."""


def read_duration(text: str) -> timedelta | None:
    """Return the duration in the text; None for other text.

    The duration may be in words ("2h", "1 day 2 h 30 min") or in ISO 8601 ("PT2H").
    """
    if len(text) > LONGEST_TEXT:
        return None
    try:
        length = _spoken_length(text) if SPOKEN.fullmatch(text) else _iso_length(text)
    except (OverflowError, ValidationError):
        return None
    return length if length is not None and ZERO <= length <= LONGEST else None


def plain_duration(text: str) -> str:
    """Return a duration in ISO 8601, the form in which durations are stored.

    Other text is unchanged.
    """
    length = read_duration(text)
    return text if length is None else str(LENGTHS.dump_python(length, mode="json"))


def format_duration(text: str) -> str:
    """Return a stored duration in words, such as "1 day 2 h 30 min"."""
    length = read_duration(text)
    if length is None:
        return text
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{length.days} day" if length.days == 1 else f"{length.days} days"
    rest = f"{seconds}.{length.microseconds:06}".rstrip("0").rstrip(".") + " s"
    parts = [(length.days, days), (hours, f"{hours} h"), (minutes, f"{minutes} min")]
    found = [words for count, words in parts if count]
    return " ".join([*found, rest] if rest != "0 s" or not found else found)


def format_moment(text: str) -> str:
    """Return a stored date and time as people read it, such as "31 Dec 2026, 09:30 +01:00"."""
    if not is_moment(text):
        return text
    at = datetime.fromisoformat(text)
    clock = f"{_day(at)}, {at.strftime('%H:%M:%S' if at.second else '%H:%M')}"
    offset = at.strftime("%z")
    return f"{clock} {offset[:3]}:{offset[3:5]}" if offset.strip("+0") else f"{clock} UTC"


def format_date(text: str) -> str:
    """Return a stored date as people read it, such as "31 Dec 2026"."""
    return _day(date.fromisoformat(text)) if is_date(text) else text


def _day(day: date) -> str:
    # Not `strftime`, whose names of months depend on the locale, which a step can change.
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _spoken_length(text: str) -> timedelta:
    parts = (UNITS[_unit(unit)] for _, unit in PART.findall(text))
    counts = (float(count) for count, _ in PART.findall(text))
    return sum(
        (timedelta(**{unit: count}) for unit, count in zip(parts, counts, strict=True)), ZERO
    )


def _unit(word: str) -> str:
    return "ms" if word == "ms" else word[0]


def _iso_length(text: str) -> timedelta | None:
    return LENGTHS.validate_python(text) if text[:1] == "P" else None


def _in_utc(text: str) -> datetime:
    at = datetime.fromisoformat(text).astimezone(UTC)
    if not 1 < at.year < MAXYEAR:
        raise ValueError(text)
    return at


def _is_read(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except (ValueError, OverflowError):
        return False
    return True

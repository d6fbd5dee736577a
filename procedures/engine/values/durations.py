"""Durations as authors write them: "90s", "2h", "3 days", seconds, or a timedelta."""

import re
from datetime import datetime, timedelta
from math import isnan

from procedures.engine.errors import OptionError
from procedures.engine.values.spelling import short_repr

UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
SHORTEST = timedelta(microseconds=1)
LONGEST = timedelta(days=3660)
PATTERN = re.compile(
    r"\s*(?P<number>\d+(\.\d+)?)\s*"
    r"(?P<unit>ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)\s*"
)

Duration = str | int | float | timedelta


def parse_duration(value: Duration, *, shortest: timedelta = SHORTEST, of: str = "") -> timedelta:
    """Return a duration of at least `shortest` and at most ten years; a number means seconds.

    Raises `OptionError` for anything else; `of` names the option in the error message.
    """
    try:
        length = _length(value)
    except OverflowError:  # raised for an infinite number, too
        length = timedelta.max
    except ValueError as error:
        raise OptionError(f"{_beginning(of)}{error}") from None
    if not shortest <= length <= LONGEST:
        words = f"Invalid duration {short_repr(value)}. Use more than zero and at most ten years."
        raise OptionError(f"{_beginning(of)}{words}")
    return length


def duration_words(seconds: float) -> str:
    """Return seconds in words, in the largest unit that needs no fraction: "90 minutes"."""
    for unit in ("days", "hours", "minutes"):
        count, rest = divmod(seconds, timedelta(**{unit: 1}).total_seconds())
        if count and not rest:
            return f"{count:g} {unit if count > 1 else unit[:-1]}"
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def check_moment(moment: object, *, now: datetime, of: str) -> None:
    """Raise `OptionError` unless `moment` is a datetime with a time zone, at most ten years ahead.

    A date and time before `now` is accepted. `of` names the option in the error message.
    """
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        words = f"{short_repr(moment)} isn't a point in time. Use a datetime with its time zone."
        raise OptionError(f"{_beginning(of)}{words}")
    if moment - now > LONGEST:
        raise OptionError(f"{_beginning(of)}{moment} is more than ten years from now.")


def _beginning(of: str) -> str:
    return f"{of}: " if of else ""


def _length(value: Duration) -> timedelta:
    if isinstance(value, timedelta):
        return value
    is_truth = isinstance(value, bool)
    if isinstance(value, int | float) and not is_truth and not isnan(value):
        return timedelta(seconds=value)
    if isinstance(value, str) and (found := PATTERN.fullmatch(value)):
        unit = "ms" if found["unit"] == "ms" else found["unit"][0]
        return timedelta(**{UNITS[unit]: float(found["number"])})
    examples = 'Use for example "30s", "2h" or "3 days".'
    raise ValueError(f"Invalid duration {short_repr(value)}. {examples}")

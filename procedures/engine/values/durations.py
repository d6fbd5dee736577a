"""Durations as authors write them: "90s", "2h", "3 days", seconds, or a timedelta."""

import re
from datetime import datetime, timedelta
from math import isnan

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


def parse_duration(value: Duration, *, shortest: timedelta = SHORTEST) -> timedelta:
    """Return a positive duration of at most ten years; numbers are seconds.

    Raises `ValueError` for anything else.
    """
    try:
        length = _length(value)
    except OverflowError:  # also of an infinite number
        length = timedelta.max
    if not shortest <= length <= LONGEST:
        raise ValueError(f"{value!r} is not between a moment and ten years.")
    return length


def check_moment(moment: object, *, now: datetime) -> None:
    """Raise `ValueError` for a time without a zone, or more than ten years from now."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{moment!r} is not a moment: give a datetime with its time zone.")
    if moment - now > LONGEST:
        raise ValueError(f"{moment} is more than ten years from now.")


def _length(value: Duration) -> timedelta:
    if isinstance(value, timedelta):
        return value
    is_truth = isinstance(value, bool)
    if isinstance(value, int | float) and not is_truth and not isnan(value):
        return timedelta(seconds=value)
    if isinstance(value, str) and (found := PATTERN.fullmatch(value)):
        unit = "ms" if found["unit"] == "ms" else found["unit"][0]
        return timedelta(**{UNITS[unit]: float(found["number"])})
    raise ValueError(f'{value!r} is no length of time: write "90s", "20m", "2h" or "3 days".')

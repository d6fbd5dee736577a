"""Lengths of time as authors write them: "90s", "2h", "3 days", seconds, or a timedelta."""

import re
from datetime import timedelta

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
    """A positive length of time of at most ten years; numbers are seconds."""
    try:
        length = _length(value)
    except OverflowError:
        length = timedelta.max
    if not shortest <= length <= LONGEST:
        raise ValueError(f"{value!r} is not between a moment and ten years.")
    return length


def _length(value: Duration) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    if isinstance(value, str) and (found := PATTERN.fullmatch(value)):
        unit = "ms" if found["unit"] == "ms" else found["unit"][0]
        return timedelta(**{UNITS[unit]: float(found["number"])})
    raise ValueError(f'{value!r} is no length of time: write "90s", "20m", "2h" or "3 days".')

"""Times as a browser shows and sends them: local times, without fractions of a second."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from procedures.engine.values.formats import is_moment, is_time

MINUTE = timedelta(minutes=1)


def text_in_field(kind: str, text: str, zone: str | tzinfo = "") -> str:
    """Return the text that a field shows for a value's text, in the form that browsers keep.

    A time of day is "09:30", and a date and time is "2026-12-31T09:30", both with seconds if there
    are any. Browsers don't keep fractions of a second. A date and time with an offset is converted
    to the time zone; it is returned unchanged if there is no such zone. Other texts are unchanged.
    """
    try:
        if kind == "time":
            return to_the_second(time.fromisoformat(text)) if is_time(text) else text
        at = datetime.fromisoformat(text) if kind == "datetime-local" else None
        if at and at.tzinfo:
            at = at.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
    except (KeyError, OSError, OverflowError, ValueError):
        return text
    return to_the_second(at.replace(tzinfo=None)) if at else text


def to_the_second(at: datetime | time) -> str:
    """Return a time in the form that browsers send: without seconds if there are none."""
    return at.isoformat(timespec="seconds" if at.second else "minutes")


class NoSuchTimeError(ValueError):
    """An error for a local time that doesn't exist, because the clocks of the time zone skip it."""


def zoned(text: Any, zones: Sequence[str]) -> Any:
    """Return a local date and time with the UTC offset of its time zone.

    The last string in `zones` is the name of the time zone. If it names no time zone, or if the
    text isn't a local date and time, the text is returned unchanged. Raises `NoSuchTimeError` for a
    time that doesn't exist in the zone.
    """
    name = (list(zones) or [""])[-1]
    if not name or not isinstance(text, str) or is_moment(text):
        return text
    try:
        local, zone = datetime.fromisoformat(text), ZoneInfo(name)
        at = local.replace(tzinfo=zone)
        is_real = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
    except (KeyError, OSError, OverflowError, ValueError):
        return text
    if not is_real:
        raise NoSuchTimeError(f"{text} doesn't exist in {name}, where the clocks skip it.")
    offset = at.utcoffset()
    if offset is None or offset % MINUTE:
        at = at.astimezone(UTC)  # no text of a time has an offset like +00:53:28, as in 1890
    return at.isoformat() if at.microsecond else to_the_second(at)

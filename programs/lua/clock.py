"""Times and random numbers for Lua programs.

They come from the run, so replays get the same ones.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from procedures.engine import Context

PARTS = ("year", "month", "day", "hour", "min", "sec")
USUAL = {"hour": 12, "min": 0, "sec": 0}


class Clock(Protocol):
    """An object that implements `os.time`, `os.date`, `os.clock` and `math.random` for Lua."""

    def time(self, parts: dict[str, Any] | None = None) -> int: ...
    def date(self, text: str | None = None, moment: float | None = None) -> Any: ...
    def clock(self) -> float: ...
    def random(self) -> float: ...
    def whole(self, low: float, high: float) -> int: ...


OUT_OF_RANGE = "The time isn't between the years 1 and 9999."


class RunClock:
    """The clock of a run. All times are in UTC."""

    def __init__(self, ctx: Context) -> None:
        self._ctx, self._began = ctx, ctx.now()

    def time(self, parts: dict[str, Any] | None = None) -> int:
        """Return the seconds since 1970: now, or for a date given as a table of its parts.

        Such a table is `{year = 2026, month = 11, day = 30}`. As in Lua, the parts may be out of
        range: the day 32 is a day of the next month.
        """
        if parts is None:
            return int(self._ctx.now().timestamp())
        if missing := [name for name in PARTS[:3] if name not in parts]:
            raise ValueError(f"os.time needs the field {missing[0]!r} in its table.")
        try:
            given = [int({**USUAL, **parts}[name]) for name in PARTS]
        except (TypeError, ValueError):
            raise ValueError("os.time needs whole numbers in its table.") from None
        year, month, day, hours, minutes, seconds = given
        years, months = divmod(month - 1, 12)
        try:
            first = datetime(year + years, months + 1, 1, tzinfo=UTC)
            more = timedelta(days=day - 1, hours=hours, minutes=minutes, seconds=seconds)
            return int((first + more).timestamp())
        except (OverflowError, ValueError):
            raise ValueError(OUT_OF_RANGE) from None

    def date(self, text: str | None = None, moment: float | None = None) -> Any:
        """Return the date at `moment` as a string, or for the format "*t" as a table.

        `moment` is given in seconds since 1970; without it, the date is now.
        """
        try:
            when = self._ctx.now() if moment is None else datetime.fromtimestamp(moment, UTC)
        except (OSError, OverflowError, ValueError):
            raise ValueError(OUT_OF_RANGE) from None
        form = (text or "%c").removeprefix("!")
        if not form.startswith("*t"):
            return when.strftime(form)
        named = zip(PARTS, when.timetuple()[:6], strict=True)
        day, of_year = when.isoweekday() % 7 + 1, when.timetuple().tm_yday
        return {**dict(named), "wday": day, "yday": of_year, "isdst": False}

    def clock(self) -> float:
        """Return the seconds from the start of the run to its latest event."""
        return (self._ctx.now() - self._began).total_seconds()

    def random(self) -> float:
        return self._ctx.random.random()

    def whole(self, low: float, high: float) -> int:
        if low != int(low) or high != int(high):
            raise ValueError("math.random needs whole numbers.")
        if low > high:
            raise ValueError("bad argument to 'random' (interval is empty)")
        return self._ctx.random.randint(int(low), int(high))

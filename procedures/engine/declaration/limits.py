"""Limits, which stop a run that would never end by itself."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from procedures.engine.errors import OptionError
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.options import check_options, with_fields
from procedures.engine.values.spelling import short_repr

LEAST = {"steps": 1, "events": 1, "children": 0, "depth": 0}
"""The lowest value that an author can set for each limit."""


@with_fields("Limits")
@dataclass(frozen=True)
class Limits:
    """Limits of a run; for each limit that is left out, the site's limit applies.

    `steps` is the largest number of steps, `events` the largest number of events in the journal,
    and `children` the largest number of child runs, where each run of a `ctx.map` counts. These
    three counts start again at zero after `ctx.continue_as_new`. `depth` limits how deeply runs can
    be nested. It is the largest number of ancestors that a child of this run may have: its parent,
    that run's parent, and so on. `max_duration` is the longest time from the start of the run to
    the end of the run, including waits and the time before each `continue_as_new`.
    """

    steps: int | None = None
    events: int | None = None
    children: int | None = None
    depth: int | None = None
    max_duration: Duration | None = None

    def __new__(cls, *_: Any, **options: Any) -> Self:
        check_options(
            "Limits", options, cls.__dataclass_fields__, renamed={"lasts": "max_duration"}
        )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            number = getattr(self, name)
            # Compare types, because True is an `int` and would count as 1.
            if number is not None and (type(number) is not int or number < least):
                raise OptionError(
                    f"Invalid limit {short_repr(number)} for {name}. Use a whole number of at "
                    f"least {least}."
                )
        if self.max_duration is not None:
            parse_duration(self.max_duration, of="max_duration= of Limits")

    def or_else(self, site: "Limits") -> "Limits":
        """Return these limits, with the site's value for each limit that isn't set here."""
        every = [one.name for one in fields(self)]
        own = {name: getattr(self, name) for name in every if getattr(self, name) is not None}
        return Limits(**{name: getattr(site, name) for name in every} | own)

    def ends_at(self, began_at: datetime | None) -> datetime | None:
        """Return the time at which `max_duration` is over; None without a `max_duration`."""
        if self.max_duration is None or began_at is None:
            return None
        return began_at + parse_duration(self.max_duration)


USUAL = Limits(steps=50_000, events=100_000, children=100_000, depth=20, max_duration="366 days")
"""The default limits, for a site that sets none."""

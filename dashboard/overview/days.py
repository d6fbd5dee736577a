"""The runs of the last days by outcome, and the times that people took to answer questions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from uuid import UUID

from django.utils import timezone

from chat.models import HumanRequest
from dashboard.overview.words import format_duration
from procedures.among import is_among
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.models.ids import first_at
from procedures.run_lists import RunList
from procedures.users import User

DAYS = 14
MOST_READ, MOST_TIMES = 2000, 5
"""The size of a batch of runs, and the maximum number of batches that are read.

The newest runs are read first. Child runs are read but not counted. So another batch is read if
less than half a batch of other runs was found.
"""
LOOKS: Mapping[str, str] = {
    RunStatus.SUCCEEDED: "done",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}
OPEN = "open"
"""The name of the group of runs that haven't ended; the other groups are named by their outcome."""
ORDER = ("done", "failed", "cancelled", OPEN)
WIDTH = 100
"""The width of the widest bar, in units of the SVG."""


@dataclass(frozen=True)
class Bar:
    """A section of a day's bar, for the runs with one outcome, such as "failed"."""

    look: str
    count: int
    x: float
    width: float


@dataclass
class Day:
    """The runs that began on one day in the reader's time zone."""

    date: date
    counts: Counter[str] = field(default_factory=Counter)
    """The number of runs with each outcome, such as "done" or "failed"."""
    answered_after: list[float] = field(default_factory=list)
    """The numbers of seconds until an answer, for the answered questions of these runs."""

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def shown_counts(self) -> dict[str, int]:
        """The number of runs with each outcome, in the order of the bar; without zeros."""
        return {look: self.counts[look] for look in ORDER if self.counts[look]}

    @property
    def answer_time(self) -> float:
        """The median of the seconds until a question was answered; 0 if none was answered."""
        return median(self.answered_after) if self.answered_after else 0.0

    @property
    def answer_words(self) -> str:
        return format_duration(timedelta(seconds=self.answer_time))


@dataclass(frozen=True)
class DayLine:
    """A day with its bars, whose widths are relative to the longest bar of all days."""

    day: Day
    bars: Sequence[Bar]
    answer_width: float


@dataclass(frozen=True)
class Days:
    """The days on which runs began that a person may see, the newest day first."""

    lines: Sequence[DayLine]
    is_partial: bool
    """True if there is only one day, and not all runs of this day were read."""


def days_for(user: User, now: datetime) -> Days:
    """Return the last `DAYS` days on which runs began that the user may see.

    If not all of these runs are read, the earliest day that was read is incomplete and is left out,
    unless it is the only day.
    """
    first = timezone.localtime(now) - timedelta(days=DAYS - 1)
    since = first.replace(hour=0, minute=0, second=0, microsecond=0)
    ids, rows, is_cut = _read(user, first_at(since))
    days: dict[date, Day] = {}
    for at, status in rows:
        day = days.setdefault(_day_of(at), Day(_day_of(at)))
        day.counts[LOOKS.get(status, OPEN)] += 1
    for day_of_run, seconds in _answers(ids):
        if day_of_run in days:
            days[day_of_run].answered_after.append(seconds)
    newest = sorted(days.values(), key=lambda one: one.date, reverse=True)
    is_partial = is_cut and len(newest) <= 1
    return Days(list(_drawn(newest[:-1] if is_cut and not is_partial else newest)), is_partial)


def _read(user: User, since: UUID) -> tuple[list[UUID], list[tuple[datetime, str]], bool]:
    """Read the newest runs that the user may see.

    Return three values: the ids of all runs; the creation time and the status of each run that
    isn't a child run; and True if there are more runs.
    """
    ids, rows, is_cut = list[UUID](), list[tuple[datetime, str]](), True
    for _ in range(MOST_TIMES):
        new = RunList(user).newest(MOST_READ, after=ids[-1] if ids else None, since=since)
        ids, is_cut = ids + new, len(new) == MOST_READ
        found = Run.objects.filter(is_among("pk", new), parent_wait=None).order_by()
        rows += found.values_list("created_at", "status") if new else ()
        if not is_cut or len(rows) >= MOST_READ // 2:
            break
    return ids, rows, is_cut


def _answers(runs: Sequence[object]) -> Iterator[tuple[date, float]]:
    """Yield, for each answered question, the day of its run and the seconds until the answer."""
    if not runs:
        return
    answered = HumanRequest.objects.filter(
        is_among("wait__run", runs), status=HumanRequest.Status.ANSWERED
    )
    for began, opened, closed in answered.order_by().values_list(
        "wait__run__created_at", "opened_at", "closed_at"
    ):
        if closed:
            yield _day_of(began), (closed - opened).total_seconds()


def _drawn(days: Iterable[Day]) -> Iterator[DayLine]:
    found = list(days)
    most = max((day.total for day in found), default=0)
    longest = max((day.answer_time for day in found), default=0)
    for day in found:
        width = WIDTH * day.answer_time / longest if longest else 0.0
        yield DayLine(day, list(_bars(day, most)), round(width, 1))


def _bars(day: Day, most: int) -> Iterator[Bar]:
    x = 0.0
    for look in ORDER:
        width = WIDTH * day.counts[look] / most
        if day.counts[look]:
            yield Bar(look, day.counts[look], round(x, 1), round(width, 1))
        x += width


def _day_of(at: datetime) -> date:
    return timezone.localtime(at).date()

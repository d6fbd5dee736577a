"""The outcomes of the runs that began in the last days, and the times people took to answer."""

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
"""The number of runs in each batch that is read, newest first, and the number of batches.

Child runs aren't counted. Another batch is read only if most runs so far are child runs.
"""
LOOKS: Mapping[str, str] = {
    RunStatus.SUCCEEDED: "done",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}
OPEN = "open"
"""The name for runs that haven't ended, beside the looks of those that have."""
ORDER = ("done", "failed", "cancelled", OPEN)
WIDTH = 100
"""The width of the widest bar, in units of the SVG."""


@dataclass(frozen=True)
class Bar:
    """The part of a day's bar for runs with one look."""

    look: str
    count: int
    x: float
    width: float


@dataclass
class Day:
    """The runs that began on one day in the reader's time zone."""

    date: date
    counts: Counter[str] = field(default_factory=Counter)
    """The number of runs of each look."""
    answered_after: list[float] = field(default_factory=list)
    """The seconds between each answered question of these runs and its answer."""

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def shown_counts(self) -> dict[str, int]:
        """The numbers of runs in the order in which they are shown, without zeros."""
        return {look: self.counts[look] for look in ORDER if self.counts[look]}

    @property
    def answer_time(self) -> float:
        """The median of the seconds until a question was answered; 0 if none was."""
        return median(self.answered_after) if self.answered_after else 0.0

    @property
    def answer_words(self) -> str:
        return format_duration(timedelta(seconds=self.answer_time))


@dataclass(frozen=True)
class Line:
    """A day with its bars, as wide as the days beside it require."""

    day: Day
    bars: Sequence[Bar]
    answer_width: float


@dataclass(frozen=True)
class Days:
    """The days on which the runs that somebody sees began, the newest first."""

    lines: Sequence[Line]
    is_partial: bool
    """True if so many runs began that not even the last day could be read as a whole."""


def days_for(user: User, now: datetime) -> Days:
    """Return the last `DAYS` days on which runs began that the user sees.

    If there are too many runs to read, the day of the oldest run that was read is left out, and so
    are all earlier days.
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
    """Read the newest runs that the user sees.

    Return their ids; the time of creation and the status of each of them that isn't a child run;
    and True if there are more runs.
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
    """Yield the day of the run and the seconds for each answered question of these runs."""
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


def _drawn(days: Iterable[Day]) -> Iterator[Line]:
    found = list(days)
    most = max((day.total for day in found), default=0)
    longest = max((day.answer_time for day in found), default=0)
    for day in found:
        width = WIDTH * day.answer_time / longest if longest else 0.0
        yield Line(day, list(_bars(day, most)), round(width, 1))


def _bars(day: Day, most: int) -> Iterator[Bar]:
    x = 0.0
    for look in ORDER:
        width = WIDTH * day.counts[look] / most
        if day.counts[look]:
            yield Bar(look, day.counts[look], round(x, 1), round(width, 1))
        x += width


def _day_of(at: datetime) -> date:
    return timezone.localtime(at).date()

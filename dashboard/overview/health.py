"""Figures that show operators whether the parts of the site work."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Subquery

from dashboard.overview.words import format_duration
from procedures import dispatch
from procedures.models import Installation, Run
from procedures.models.installation import LATE, ONLY
from procedures.services.health import ABSENT_AFTER

MINUTE = 60


@dataclass(frozen=True)
class Figures:
    """The state of the site's parts at one point in time."""

    workers: int | None
    """The number of workers that report to Redis; None if Redis doesn't answer."""
    sockets: int | None
    """The number of open sockets of all web processes; None if Redis doesn't answer."""
    queued: timedelta
    """The longest time for which a run has been queued; zero if no run waits for a worker."""
    silence: timedelta | None
    """The time since the clock process last processed due work; None if it never has."""

    @property
    def queue_age(self) -> str:
        return _in_seconds(self.queued)

    @property
    def clock_age(self) -> str:
        return "" if self.silence is None else _in_seconds(self.silence)

    @property
    def is_queue_late(self) -> bool:
        return self.queued > ABSENT_AFTER

    @property
    def is_clock_late(self) -> bool:
        return self.silence is None or self.silence > LATE


def read_figures(now: datetime) -> Figures:
    """Read the figures, with one database query and one call to Redis."""
    first = Run.objects.queued().order_by("queued_at").values("queued_at")[:1]
    rows = Installation.objects.filter(pk=ONLY).values_list("swept_at", Subquery(first))
    swept_at, queued_at = rows.first() or (None, None)
    zero, reported = timedelta(0), dispatch.reported_figures()
    return Figures(
        reported and reported.workers,
        reported and reported.sockets,
        max(now - queued_at, zero) if queued_at else zero,
        max(now - swept_at, zero) if swept_at else None,
    )


def _in_seconds(length: timedelta) -> str:
    """Return a length in words without fractions of a second, which would differ each time."""
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < MINUTE else format_duration(length)

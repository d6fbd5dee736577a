"""Limits on how many runs one person may start, whether on pages, by API or by operations."""

from datetime import datetime, timedelta
from math import ceil

from procedures.conf import conf
from procedures.engine.errors import EngineError
from procedures.models import Run
from procedures.models.clock import clock
from procedures.users import User

A_MINUTE = timedelta(minutes=1)


class QuotaError(EngineError):
    """The user has started too many runs; a later start may succeed."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        self.retry_after = max(ceil(retry_after.total_seconds()), 1)
        """Seconds until another start may succeed."""
        super().__init__(f"{message} No run was started.")


def check_quota(by: User) -> None:
    """Raise `QuotaError` if a person has started too many runs in a minute or has too many open.

    Child runs don't count, because runs have limits of their own. Simultaneous starts may exceed
    the limit.
    """
    now = clock.now()
    if begun := _that_fills_the_minute(by, now):
        again = begun + A_MINUTE - now
        words = f"You have started {conf.MOST_STARTS_A_MINUTE:,} runs in the last minute"
        raise QuotaError(f"{words}, which is the limit. Try again soon.", retry_after=again)
    if _has_too_much_open(by):
        words = f"You have {conf.MOST_OPEN_RUNS:,} runs that haven't ended"
        raise QuotaError(
            f"{words}, which is the limit. Cancel some, or wait until they end.",
            retry_after=A_MINUTE,
        )


def _that_fills_the_minute(by: User, now: datetime) -> datetime | None:
    """Return the time of the start that reaches the limit per minute, or None below the limit."""
    recent = Run.objects.started_by(by).filter(created_at__gt=now - A_MINUTE)
    times = recent.order_by("-created_at").values_list("created_at", flat=True)
    most = conf.MOST_STARTS_A_MINUTE
    # Not counted: the index gives the one row at that place, however many there are.
    return next(iter(times[most - 1 : most]), None)


def _has_too_much_open(by: User) -> bool:
    most = conf.MOST_OPEN_RUNS
    found = Run.objects.started_by(by).filter(ended_at=None).order_by().values_list("ended_at")
    return bool(found[most - 1 : most])

"""What keeps the site from its work, in sentences an operator can act on."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.contrib.auth.models import User

from procedures import access, dispatch
from procedures.models import Installation, Run
from procedures.models.clock import clock

logger = logging.getLogger(__name__)
START_ONE = "Start one: celery -A dashboard worker -Q clock --pool=solo."


@dataclass(frozen=True)
class Complaint:
    """One part of the site that fails, and what then doesn't happen."""

    part: Literal["clock", "messages"]
    message: str


def complaints() -> list[Complaint]:
    """Look at each part now; nothing is wrong when the list is empty."""
    found = [Complaint("clock", words) for words in [clock_complaint()] if words]
    if fault := dispatch.fault():
        message = f"{fault} Workers look for queued runs every {dispatch.LOOK_EVERY} s meanwhile."
        found.append(Complaint("messages", message))
    return found


def clock_complaint() -> str:
    """Why timers, deadlines and lost workers wait; empty while a clock sweeps."""
    silence = Installation.current().silence(clock.now())
    if silence is None:
        return ""
    since = f"for {_length(silence)}" if silence else "since this site was made"
    return f"No clock has run {since}: timers, deadlines, mails and lost runs wait. {START_ONE}"


def complaints_for(user: User) -> list[Complaint]:
    """The same, for those who operate any procedure; nobody else can mend it."""
    return complaints() if access.is_operator(user) else []


def why_queued(run: Run, *, now: datetime) -> str:
    """What besides busy workers keeps a run in the queue that has stood there for a while."""
    if run.queued_at is None or now - run.queued_at < timedelta(seconds=dispatch.LOOK_EVERY):
        return ""
    return dispatch.fault()


class Warner:
    """Says it in the log of a worker once a minute, while no clock runs: nobody else is there."""

    every = 60
    """Seconds."""

    def __init__(self) -> None:
        self._said_at: float | None = None

    def look(self) -> None:
        words, now = clock_complaint(), time.monotonic()
        if not words:
            self._said_at = None
        elif self._said_at is None or now - self._said_at >= self.every:
            self._said_at = now
            logger.warning(words)


warner = Warner()


def _length(silence: timedelta) -> str:
    seconds = int(silence.total_seconds())
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}s"
    return f"{seconds} seconds"

"""Announcing something on every page of the site, and ending it before its time."""

from dataclasses import dataclass
from datetime import datetime

from chat.doorbell import ANNOUNCEMENTS, ring_after_commit
from dashboard.models import Announcement
from procedures.models import Act
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.transactions import service_atomic
from procedures.users import User


@dataclass(frozen=True)
class Planned:
    """An announcement that somebody wants to make; without a start, it appears at once."""

    text: str
    level: str
    ends_at: datetime
    starts_at: datetime | None = None


@service_atomic
def announce(planned: Planned, *, by: User, reason: str) -> Announcement:
    """Show a text on every page until its end, and log who wanted that and why."""
    now = clock.now()
    made = Announcement.objects.create(
        text=planned.text,
        level=planned.level,
        # It can't have been shown before it was made, and databases can't store every past time.
        starts_at=max(planned.starts_at or now, now),
        ends_at=planned.ends_at,
    )
    times = f"from {made.starts_at:%Y-%m-%d %H:%M} until {made.ends_at:%Y-%m-%d %H:%M} UTC"
    words = f"Announced ({made.level}), {times}: {made.text}"
    log_act(Act.Kind.SWITCH, words, by=by, about=made, reason=reason)
    ring_after_commit(ANNOUNCEMENTS)
    return made


@service_atomic
def end_announcement(made: Announcement, *, by: User, reason: str) -> None:
    """Stop showing an announcement; do nothing if it has already ended."""
    found = Announcement.objects.select_for_update().get(pk=made.pk)
    now = clock.now()
    if found.ends_at <= now:
        return
    found.ends_at = now
    found.save(update_fields=["ends_at"])
    log_act(Act.Kind.SWITCH, "Ended the announcement.", by=by, about=found, reason=reason)
    ring_after_commit(ANNOUNCEMENTS)

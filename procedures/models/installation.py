"""The site as a whole, as its database knows it."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models

from procedures.models.clock import clock

ONLY = 1
LATE = timedelta(seconds=5)
"""The time after which the clock, which sweeps each second, counts as stopped."""

NOTED_EVERY = timedelta(seconds=2)


class Installation(models.Model):
    """The site: its own database and file store, and the last sweep of its clock."""

    store = models.CharField(
        max_length=64, blank=True, help_text="The name that its file store has written down."
    )
    database = models.CharField(
        max_length=100, blank=True, help_text="What the server calls this database."
    )
    epoch = models.PositiveIntegerField(
        default=1, help_text="How many lives its ledger has had: each copy begins another."
    )
    held_at = models.DateTimeField(null=True, help_text="Since when it is a copy that may not act.")
    held_because = models.CharField(max_length=200, blank=True)
    swept_at = models.DateTimeField(null=True, help_text="By the database's clock.")

    def __str__(self) -> str:
        return f"Installation, epoch {self.epoch}"

    @classmethod
    def current(cls) -> Self:
        """Return the one row, created at first use."""
        return cls.objects.get_or_create(pk=ONLY)[0]

    @classmethod
    def note_sweep(cls) -> None:
        """Record that the clock runs, not at every sweep, because each record is a commit."""
        now, before = clock.now(), cls.current().swept_at
        # A mark in the future comes from a clock that was put back: it is written anew, or silence
        # would go unnoticed until then.
        if before is None or not before <= now < before + NOTED_EVERY:
            cls.objects.filter(pk=ONLY).update(swept_at=now)

    def silence(self, now: datetime) -> timedelta | None:
        """Return for how long no clock has swept if that is too long; zero if none ever has."""
        if self.swept_at is None:
            return timedelta(0)
        since = now - self.swept_at
        return since if since > LATE else None

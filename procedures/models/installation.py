"""The site as a whole, as its database knows it."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models

from procedures.models.clock import clock

ONLY = 1
LATE = timedelta(seconds=5)
"""A clock sweeps each second; one that has not for so long has stopped, or can't go on."""

NOTED_EVERY = timedelta(seconds=2)


class Installation(models.Model):
    """The site: which database and file store are its own, and when its clock last swept."""

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
        """The one row, made when it is asked for first."""
        return cls.objects.get_or_create(pk=ONLY)[0]

    @classmethod
    def note_sweep(cls) -> None:
        """Remember that the clock runs; not each time, as each is a commit."""
        now, before = clock.now(), cls.current().swept_at
        if before is None or not before <= now < before + NOTED_EVERY:
            cls.objects.filter(pk=ONLY).update(swept_at=now)

    def silence(self, now: datetime) -> timedelta | None:
        """For how long no clock has swept, when that is too long; zero when none ever has."""
        if self.swept_at is None:
            return timedelta(0)
        since = now - self.swept_at
        return since if since > LATE else None

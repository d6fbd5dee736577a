"""The site as a whole: its database, its file store and its clock."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models

from procedures.models.clock import clock

ONLY = 1
LATE = timedelta(seconds=5)
"""The clock process counts as stopped if it hasn't looked for due work for this long."""

NOTED_EVERY = timedelta(seconds=2)


class Installation(models.Model):
    """The identity of the site: its database and file store, and the time of the last sweep."""

    store = models.CharField(
        max_length=64, blank=True, help_text="The mark of the site's file store."
    )
    database = models.CharField(
        max_length=100, blank=True, help_text="The server's identifier of this database."
    )
    epoch = models.PositiveIntegerField(
        default=1, help_text="The number of the ledger's epoch; each marked copy begins a new one."
    )
    held_at = models.DateTimeField(
        null=True, help_text="The time at which this database was marked as a copy."
    )
    held_because = models.CharField(max_length=200, blank=True)
    swept_at = models.DateTimeField(
        null=True, help_text="The time at which the clock process last looked for due work."
    )

    def __str__(self) -> str:
        return f"Installation, epoch {self.epoch}"

    @classmethod
    def current(cls) -> Self:
        """Return the only row, which is created at first use."""
        return cls.objects.get_or_create(pk=ONLY)[0]

    @classmethod
    def note_sweep(cls) -> None:
        """Record that the clock process is running, only once per `NOTED_EVERY` to save commits."""
        now, before = clock.now(), cls.current().swept_at
        # A time in the future comes from a clock that was set back. It is overwritten, because
        # otherwise a stopped clock process would go unnoticed until then.
        if before is None or not before <= now < before + NOTED_EVERY:
            cls.objects.filter(pk=ONLY).update(swept_at=now)

    def silence(self, now: datetime) -> timedelta | None:
        """Return the time since the last sweep if the clock process counts as stopped, else None.

        Returns zero if there has been no sweep yet.
        """
        if self.swept_at is None:
            return timedelta(0)
        since = now - self.swept_at
        return since if since > LATE else None

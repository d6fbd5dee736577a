"""The site as a whole: its database, its file store and its clock."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models

from procedures.models.clock import clock

ONLY = 1
LATE = timedelta(seconds=5)
"""The time since the last sweep after which the clock process counts as stopped."""

NOTED_EVERY = timedelta(seconds=2)


class Installation(models.Model):
    """The identity of the site, and the time of the last sweep.

    The database and the file store make up the identity.
    """

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
    removed = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The number of runs whose records were removed."
    )
    removed_proof = models.CharField(max_length=32, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"Installation, epoch {self.epoch}"

    @classmethod
    def current(cls) -> Self:
        """Return the only row of the table; at the first use, the row is made."""
        return cls.objects.get_or_create(pk=ONLY)[0]

    @classmethod
    def is_held(cls) -> bool:
        """Return True if this database is marked as a copy."""
        return cls.objects.filter(held_at__isnull=False).exists()

    @classmethod
    def note_sweep(cls) -> None:
        """Record that the clock process is running.

        This writes only once per `NOTED_EVERY`, so that there are few commits.
        """
        now, before = clock.now(), cls.current().swept_at
        # A time in the future comes from a clock that was set back. It is overwritten, because
        # otherwise a stopped clock process would go unnoticed until then.
        if before is None or not before <= now < before + NOTED_EVERY:
            cls.objects.filter(pk=ONLY).update(swept_at=now)

    def silence(self, now: datetime) -> timedelta | None:
        """Return the time since the last sweep if the clock process counts as stopped, else None.

        Returns a time of zero if there has never been a sweep.
        """
        if self.swept_at is None:
            return timedelta(0)
        since = now - self.swept_at
        return since if since > LATE else None

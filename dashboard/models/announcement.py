"""Announcements that every page of the site shows until they end."""

from datetime import datetime
from hashlib import sha256
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as lazy

from procedures.models.clock import clock

LONGEST_TEXT = 300
MOST_LISTED = 50
MOST_SHOWN = 5
"""The maximum number of announcements that a page shows; it shows the newest ones."""


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def not_ended(self) -> Self:
        """Return the announcements in force, and those that begin later."""
        return self.filter(ends_at__gt=clock.moment())

    def in_force(self) -> Self:
        return self.not_ended().filter(starts_at__lte=clock.moment())


class Announcement(models.Model):
    """A text that every page shows to everybody, from its start until its end."""

    class Level(models.TextChoices):
        INFO = "info", lazy("Notice")
        WARNING = "warning", lazy("Warning")

    text = models.CharField(
        max_length=LONGEST_TEXT, help_text=lazy("Plain text. Addresses in it become links.")
    )
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        verbose_name, verbose_name_plural = lazy("announcement"), lazy("announcements")

    def __str__(self) -> str:
        return self.text

    @property
    def key(self) -> str:
        """The name under which people dismiss this announcement.

        The same text at the same level has the same key, so nobody must dismiss it twice.
        """
        return sha256(f"{self.level}\n{self.text}".encode()).hexdigest()[:16]

    def is_in_force(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at

    def next_change(self, now: datetime) -> datetime:
        """Return when the announcement appears or, once it is shown, disappears."""
        return self.ends_at if self.starts_at <= now else self.starts_at

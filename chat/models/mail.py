"""Mails to people whose requests are waiting, and to operators about alerts."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from chat.models.message import Message
from chat.models.request import HumanRequest

HOLD = timedelta(minutes=5)
"""The time in which a worker must hand a mail over before another one tries."""
RING_AGAIN = timedelta(seconds=30)
MOST_TRIES = 8
LONGEST_ERROR = 300


class Presence(models.Model):
    """The last time somebody had a page of the product open."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="presence"
    )
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "presence"

    def __str__(self) -> str:
        return str(self.user)


class MailQuerySet(models.QuerySet["Mail"]):
    def stale(self, now: datetime) -> Self:
        """Return unsent mails whose task message may be lost."""
        return self.filter(ring_at__lte=now)

    def sendable(self, now: datetime) -> Self:
        """Return unsent mails that no worker holds."""
        is_free = Q(held_until=None) | Q(held_until__lte=now)
        return self.filter(is_free, ring_at__isnull=False)


class Mail(models.Model):
    """The one mail that a person gets about a request or an alert, and its outcome."""

    request = models.ForeignKey(
        HumanRequest, models.CASCADE, null=True, db_index=False, related_name="mails"
    )
    alert = models.ForeignKey(
        Message, models.CASCADE, null=True, db_index=False, related_name="mails"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mails")
    created_at = models.DateTimeField()
    ring_at = models.DateTimeField(null=True, help_text="When a worker is told again.")
    held_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=LONGEST_ERROR, blank=True, help_text="Why it is not sent.")

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"], name="countersign_one_mail_per_person"
            ),
            models.UniqueConstraint(
                fields=["alert", "user"], name="countersign_one_mail_per_alert"
            ),
            models.CheckConstraint(
                condition=Q(request=None) ^ Q(alert=None), name="countersign_mail_about_one_thing"
            ),
        ]
        indexes = [
            models.Index(
                fields=["ring_at"],
                condition=Q(ring_at__isnull=False),
                name="countersign_unsent_mails",
            )
        ]

    def __str__(self) -> str:
        return f"to {self.user}"

    def hold(self, *, now: datetime) -> None:
        """Give the mail to a worker for a while; if that worker dies, another one sends it."""
        self.tries += 1
        # Rung for again when the hold ends: if this worker dies, nobody else would know of the
        # mail.
        self.held_until, self.ring_at = now + HOLD, now + HOLD
        self.save(update_fields=["tries", "held_until", "ring_at"])

    def ring_again(self, *, at: datetime) -> None:
        self.ring_at = at + RING_AGAIN
        self.save(update_fields=["ring_at"])

    def note_sent(self, *, at: datetime) -> None:
        self.sent_at, self.note = at, ""
        self.ring_at = self.held_until = None
        self.save(update_fields=["sent_at", "note", "ring_at", "held_until"])

    def drop(self, why: str) -> None:
        self.note = why[:LONGEST_ERROR]
        self.ring_at = self.held_until = None
        self.save(update_fields=["note", "ring_at", "held_until"])

    def fail(self, why: str, *, at: datetime) -> None:
        """Schedule another try, with a doubled delay each time; give up after `MOST_TRIES`."""
        self.note, self.held_until = why[:LONGEST_ERROR], None
        self.ring_at = at + RING_AGAIN * 2**self.tries if self.tries < MOST_TRIES else None
        self.save(update_fields=["note", "held_until", "ring_at"])

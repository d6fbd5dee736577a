"""Notifications for people about requests, alerts and mentions, and reports to programs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from chat.models.message import Message
from chat.models.request import HumanRequest
from procedures.models import Run

HOLD = timedelta(minutes=5)
"""The time a worker has to deliver a notification before another worker may try."""
TRY_AGAIN = timedelta(seconds=30)
"""The delay before the delivery of a notification is tried again; doubled by each failed try."""
MOST_TRIES = 8
LONGEST_NOTE = 300
FIRST_CHANGE_ROUND = 1_000_000
"""The round of notifications of the first change of a request's values.

The rounds of reminders have smaller numbers.
"""
LONGEST_NAME = 20
"""The maximum length of a channel's name, in characters."""


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


def _is_about_one_of(*names: str) -> Q:
    """Return a `Q` that matches rows in which exactly one of the named fields isn't null."""
    found = Q()
    for name in names:
        found |= Q(**{f"{one}__isnull": one != name for one in names})
    return found


class NotificationQuerySet(models.QuerySet["Notification"]):
    def due(self, now: datetime) -> Self:
        """Return the unsent notifications for which a worker should be called now."""
        return self.filter(next_try_at__lte=now)

    def sendable(self, now: datetime) -> Self:
        """Return unsent notifications that no worker holds and that aren't postponed."""
        is_free = Q(held_until=None) | Q(held_until__lte=now)
        return self.filter(is_free, next_try_at__isnull=False)

    def failing(self) -> Self:
        """Return unsent notifications that have failed at least twice."""
        is_tried_now = Q(status=Notification.Status.HELD, tries=2)
        # A postponed notification waits for a claim to end or for an answer to take effect, not for
        # its channel.
        is_put_off = Q(status=Notification.Status.PLANNED, held_until__isnull=False)
        found = self.filter(next_try_at__isnull=False, tries__gte=2).exclude(note="")
        return found.exclude(is_tried_now | is_put_off)

    def tried_with(self, bundle: UUID) -> Self:
        return self.filter(bundle=bundle)

    def untried_beside(self, one: "Notification") -> Self:
        """Return the notifications that can be sent in one message with the notification `one`.

        They have the same channel and recipient, are about requests, and have never been tried.
        """
        same = self.filter(channel=one.channel, recipient=one.recipient_id)
        return same.filter(bundle=None, tries=0, request__isnull=False)


class Notification(models.Model):
    """A notification to one person by one channel about a request, an alert, a mention or a run.

    A report to a program is a notification, too; its recipient is the user who started the run. A
    notification may also serve to take back an earlier one. It then has the channel and the
    recipient of the earlier notification, `takes_back` is the earlier notification, and the other
    fields for the subject are empty.
    """

    class Status(models.TextChoices):
        PLANNED = "planned"
        HELD = "held"
        SENT = "sent"
        FAILED = "failed"
        DROPPED = "dropped"

    request = models.ForeignKey(
        HumanRequest, models.CASCADE, null=True, db_index=False, related_name="notifications"
    )
    alert = models.ForeignKey(
        Message, models.CASCADE, null=True, db_index=False, related_name="notifications"
    )
    mention = models.ForeignKey(
        Message, models.CASCADE, null=True, db_index=False, related_name="mention_notifications"
    )
    run = models.ForeignKey(
        Run, models.CASCADE, null=True, db_index=False, related_name="notifications"
    )
    takes_back = models.OneToOneField(
        "self", models.CASCADE, null=True, related_name="taken_back_by"
    )
    round = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text=(
            "The number of the reminder, or 0 for the first notification of a request. "
            "Numbers above 999999 announce that values of the request were changed."
        ),
    )
    channel = models.CharField(
        max_length=LONGEST_NAME, help_text="The channel that delivers the notification."
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PLANNED)
    planned_at = models.DateTimeField()
    next_try_at = models.DateTimeField(
        null=True, help_text="The time at which a worker is next asked to send the notification."
    )
    held_until = models.DateTimeField(
        null=True, help_text="The time from which another worker may claim the notification."
    )
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    note = models.CharField(
        max_length=LONGEST_NOTE,
        blank=True,
        help_text="The reason why the notification wasn't sent.",
    )
    bundle = models.UUIDField(
        null=True, help_text="An id shared by notifications that are sent in one message."
    )

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "channel", "recipient", "round"],
                name="countersign_one_notification_each",
            ),
            models.UniqueConstraint(
                fields=["alert", "channel", "recipient"],
                name="countersign_one_notification_per_alert",
            ),
            models.UniqueConstraint(
                fields=["mention", "channel", "recipient"],
                name="countersign_one_notification_per_mention",
            ),
            models.UniqueConstraint(
                fields=["run", "channel", "recipient", "round"],
                name="countersign_one_report_per_end",
            ),
            models.CheckConstraint(
                condition=_is_about_one_of("request", "alert", "mention", "run", "takes_back"),
                name="countersign_notification_about_one_thing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(next_try_at__isnull=False),
                name="countersign_unsent",
            ),
            models.Index(
                fields=["bundle"], condition=Q(bundle__isnull=False), name="countersign_bundled"
            ),
        ]

    def __str__(self) -> str:
        return f"to {self.recipient}"

    @property
    def key(self) -> str:
        """The key by which the receiving service recognises a message that is sent again.

        It has the form "SUBJECT.RECIPIENT", such as "812.7": the id of the request, alert, mention,
        run or bundle, and the key of the user. Every try has the same key.
        """
        if self.takes_back_id:
            return f"{self.takes_back_id}-taken-back.{self.recipient_id}"
        of = self.bundle or self.request_id or self.alert_id or self.mention_id or self.run_id
        again = f"{of}-{self.round}" if self.round and not self.bundle else of
        return f"{again}.{self.recipient_id}"

    def bundled(self) -> "Sequence[Notification]":
        """Return all notifications that are sent in one message with this one, including this one.

        The oldest comes first. A notification that was dropped before this try, for example because
        its request was closed, is left out.
        """
        if self.bundle is None:
            return [self]
        held = Notification.objects.filter(status=self.Status.HELD).tried_with(self.bundle)
        return list(held.select_related("request", "recipient").order_by("pk"))

    def hold(self, *, now: datetime, bundle: UUID | None) -> None:
        """Reserve the notification for a worker for the time `HOLD`, and count the try."""
        self.status, self.bundle = self.Status.HELD, bundle
        self.tries += 1
        # The clock process queues it again when the hold ends. Otherwise, nobody would know of it
        # if this worker died.
        self.held_until, self.next_try_at = now + HOLD, now + HOLD
        fields = ["status", "bundle", "tries", "held_until", "next_try_at"]
        self.save(update_fields=fields)

    def try_again(self, *, at: datetime) -> None:
        self.next_try_at = at + TRY_AGAIN
        self.save(update_fields=["next_try_at"])

    def send_again(self, *, at: datetime) -> bool:
        """Plan a failed notification again, its tries reset; return False if it hasn't failed."""
        if self.status != self.Status.FAILED:
            return False
        self.status, self.tries, self.bundle = self.Status.PLANNED, 0, None
        self.next_try_at = at
        self.save(update_fields=["status", "tries", "bundle", "next_try_at"])
        return True

    def put_off(self, *, at: datetime) -> None:
        """Postpone the notification: no message contains it before the time `at`."""
        # It leaves its bundle, whose other notifications may be sent meanwhile. A mailbox would
        # otherwise take a second message with the same key for a copy of the first one.
        self.bundle = None
        self.held_until = self.next_try_at = at + TRY_AGAIN
        self.save(update_fields=["bundle", "held_until", "next_try_at"])

    def note_sent(self, *, at: datetime) -> None:
        self.sent_at = at
        self._end(self.Status.SENT, "")

    def drop(self, why: str) -> None:
        self._end(self.Status.DROPPED, why)

    def give_up(self, why: str) -> None:
        self._end(self.Status.FAILED, why)

    def fail(self, why: str, *, at: datetime) -> None:
        """Plan another try, with twice the previous delay; give up after `MOST_TRIES` tries."""
        if self.tries >= MOST_TRIES:
            self.give_up(why)
            return
        self.status, self.note, self.held_until = self.Status.PLANNED, why[:LONGEST_NOTE], None
        self.next_try_at = at + TRY_AGAIN * 2**self.tries
        self.save(update_fields=["status", "note", "held_until", "next_try_at"])

    def _end(self, status: Status, note: str) -> None:
        self.status, self.note = status, note[:LONGEST_NOTE]
        self.next_try_at = self.held_until = None
        self.save(update_fields=["status", "sent_at", "note", "next_try_at", "held_until"])

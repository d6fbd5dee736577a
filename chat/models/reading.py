"""Private records of people: how far they have read sessions, their snoozes and their drafts."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from chat.models.request import HumanRequest
from procedures.engine.values import canonical


class Snooze(models.Model):
    """A request that is hidden from a person's inbox until a time."""

    request = models.ForeignKey(
        HumanRequest, models.CASCADE, db_index=False, related_name="snoozes"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="snoozes"
    )
    until = models.DateTimeField()

    class Meta:
        ordering = ["until", "request"]
        indexes = [
            models.Index(fields=["user", "until", "request"], name="countersign_snoozes_by_user")
        ]
        constraints = [
            models.UniqueConstraint(fields=["request", "user"], name="countersign_one_snooze_each")
        ]

    def __str__(self) -> str:
        return f"{self.user}: until {self.until:%Y-%m-%d %H:%M}"


class Draft(models.Model):
    """The texts that a person has typed into the form of a request and hasn't sent."""

    request = models.ForeignKey(HumanRequest, models.CASCADE, db_index=False, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    version = models.PositiveIntegerField(default=1)
    values = models.TextField(
        help_text="The texts of the form by the names of its fields, as JSON."
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["request", "user"], name="countersign_one_draft_each")
        ]

    def __str__(self) -> str:
        return f"{self.user}: draft {self.version}"

    @property
    def plain_values(self) -> dict[str, Any]:
        return dict(canonical.plain(self.values))


class ReadMark(models.Model):
    """A mark of how far a person has read a session, and of the person's newest mention in it.

    A person with a mark follows the session: the person's list of sessions shows how many messages
    of the session are new. Members follow a session without a mark, too.
    """

    pk = models.CompositePrimaryKey("session", "user")
    session = models.ForeignKey(
        "countersign_chat.Session", models.CASCADE, db_index=False, related_name="read_marks"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="read_marks"
    )
    seq = models.PositiveBigIntegerField(
        help_text="The number of the newest message that the person has read."
    )
    mentioned = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        help_text="The number of the newest message that mentions the person; 0 for none.",
    )

    class Meta:
        indexes = [
            models.Index(fields=["user", "session", "seq"], name="countersign_marks_by_user"),
            # The index holds the few unread mentions of a person, among the marks of thousands of
            # sessions.
            models.Index(
                fields=["user", "mentioned"],
                condition=Q(mentioned__gt=F("seq")),
                name="countersign_unread_mentions",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.seq}"

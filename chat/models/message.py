"""What stands in a session's transcript."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from chat.models.session import Session
from procedures.models import Run
from procedures.models.ids import uuid7


class Message(models.Model):
    """One entry of a transcript. A run has one card, in one session: that is its session."""

    class Kind(models.TextChoices):
        PERSON = "person"
        RUN = "run"
        REQUEST = "request"
        NOTICE = "notice"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=10, choices=Kind)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="messages"
    )
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="messages")
    request = models.OneToOneField(
        "chat.HumanRequest", models.CASCADE, null=True, related_name="message"
    )
    text = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["session", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run"], condition=Q(kind="run"), name="one_card_per_run"
            )
        ]

    def __str__(self) -> str:
        return self.text[:80] or self.kind

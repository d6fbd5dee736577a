"""Answers from people."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as lazy

from chat.models.request import HumanRequest
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical


class HumanResponse(models.Model):
    """One person's answer to a request, with the question as it was shown to that person."""

    request = models.ForeignKey(HumanRequest, models.PROTECT, related_name="responses")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="responses"
    )
    value = models.TextField(help_text="Canonical JSON.")
    comment = models.TextField(blank=True)
    at = models.DateTimeField()
    channel = models.CharField(
        max_length=20, help_text="The channel through which the answer came."
    )
    address = models.GenericIPAddressField(null=True)
    shown = models.TextField(help_text="The question as it was shown, as canonical JSON.")
    evidence_digest = models.CharField(max_length=64, help_text="SHA-256 of the evidence shown.")
    changes = models.TextField(
        blank=True, help_text="The differences in an edited text, line by line, as JSON."
    )
    for_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        help_text="The person for whom a deputy has answered.",
    )
    effective_at = models.DateTimeField(
        null=True,
        help_text="The time from which the answer can't be undone; empty if it never could be.",
    )
    asks_back = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if the person sent the request back; the comment says why.",
    )
    reason = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The reason why an administrator who wasn't asked has answered (a bypass).",
    )
    standing = models.ForeignKey(
        "countersign_chat.StandingDecision",
        models.PROTECT,
        null=True,
        related_name="responses",
        help_text="The standing decision that has given this answer.",
    )
    undone_at = models.DateTimeField(
        null=True,
        help_text="The time from which the answer no longer counts, because it was undone or"
        " somebody changed the values.",
    )
    is_used = models.BooleanField(
        default=True,
        db_default=True,
        help_text="False if the run continued before the answer took effect.",
    )
    SEALED: ClassVar = (
        *("request", "user", "value", "comment", "at", "channel", "address"),
        *("shown", "evidence_digest", "changes", "for_user", "effective_at"),
        *("asks_back", "reason", "standing"),
    )
    """The sealed fields of an answer; their proofs are stored in the request's history.

    The proofs of the answer that closed the request are also in the journal's event `wait.closed`.
    """

    class Meta:
        ordering = ["request", "pk"]
        indexes = [models.Index(fields=["user", "id"], name="countersign_responses_by_user")]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"],
                condition=models.Q(undone_at=None),
                name="countersign_one_response_each",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.value}"

    @property
    def is_bypass(self) -> bool:
        """True if an administrator gave this answer although the request didn't ask them."""
        return bool(self.reason)

    @property
    def plain_value(self) -> Any:
        return canonical.plain(self.value)

    def outcome_of(self, question: Question) -> Outcome:
        """Return the question's outcome in the case that this answer closes the request."""
        if self.asks_back:
            return Outcome.CHANGES_REQUESTED
        return question.outcome_of(self.plain_value)


class Decision(HumanResponse):
    """An answer as the admin shows it to auditors, who need only the permission to see answers."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name, verbose_name_plural = lazy("decision"), lazy("decisions")

"""Standing decisions: answers that also decide later requests, as their givers have chosen."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from procedures.engine.values import canonical
from procedures.models import ProcedureVersion
from procedures.models.proofs import proof_field
from procedures.users import is_active

if TYPE_CHECKING:
    from procedures.users import User


class StandingDecisionQuerySet(models.QuerySet["StandingDecision"]):
    def usable(self, now: datetime) -> Self:
        """Return the decisions that can still answer requests at the time `now`."""
        is_current = Q(begins_at__lte=now, expires_at__gt=now, uses_left__gt=0, revoked_at=None)
        return self.filter(is_current, is_active("giver__"))

    def take(self, pk: int) -> bool:
        """Use the decision once; return False if it can't be used any more.

        The decision's row must be locked.
        """
        return self.filter(pk=pk, uses_left__gt=0).update(uses_left=F("uses_left") - 1) == 1


class StandingDecision(models.Model):
    """An answer that also decides a limited number of later requests, until a date.

    The person who gave the answer has chosen the number and the date.
    """

    giver = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="standing_decisions"
    )
    given_with = models.ForeignKey(
        "countersign_chat.HumanRequest",
        models.PROTECT,
        related_name="standing_decisions",
        help_text="The request whose answer created this standing decision.",
    )
    version = models.ForeignKey(
        ProcedureVersion,
        models.PROTECT,
        db_index=False,
        related_name="+",
        help_text="The only version of the procedure for which it counts.",
    )
    step = models.CharField(max_length=200, help_text="The name of the step that asks.")
    likeness = models.CharField(
        max_length=64, help_text="A digest that is equal for similar questions."
    )
    limits = models.TextField(
        help_text="The upper limits of numbers in the evidence, by name, as canonical JSON."
    )
    value = models.TextField(help_text="The answer, as canonical JSON.")
    comment = models.TextField(blank=True)
    uses = models.PositiveSmallIntegerField(help_text="How many requests it may answer.")
    uses_left = models.PositiveSmallIntegerField(help_text="How many more requests it may answer.")
    begins_at = models.DateTimeField(help_text="The time from which its answer can't be undone.")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    proof = proof_field()
    SEALED: ClassVar = (
        *("giver", "given_with", "version", "step", "likeness", "limits", "value", "comment"),
        *("uses", "begins_at", "expires_at"),
    )
    objects = StandingDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["version", "step", "likeness"],
                condition=Q(uses_left__gt=0, revoked_at=None),
                name="countersign_usable_decisions",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(uses_left__lte=F("uses")), name="countersign_uses_of_a_decision"
            )
        ]

    def __str__(self) -> str:
        return f"{self.giver}: {self.given_with}"

    @property
    def plain_value(self) -> Any:
        return canonical.plain(self.value)

    @property
    def plain_limits(self) -> dict[str, str]:
        return dict(canonical.plain(self.limits))

    def is_usable(self, now: datetime) -> bool:
        return self.uses_left > 0 and self.revoked_at is None and self.expires_at > now

    def revoke(self, *, by: "User", at: datetime) -> None:
        self.revoked_at, self.revoked_by = at, by
        self.save(update_fields=["revoked_at", "revoked_by"])

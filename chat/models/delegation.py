"""Delegations: people who are out of office let somebody else answer for them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import Combinable

from procedures.among import is_among
from procedures.models.clock import clock
from procedures.users import is_active, kept_on

if TYPE_CHECKING:
    from procedures.users import User


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def active(self, now: datetime | Combinable) -> Self:
        """Return the delegations that are in force at the time `now` and whose giver is active."""
        is_begun = Q(from_at__lte=now, until__gt=now)
        return self.filter(is_begun, is_active("user__"), revoked_at=None)


def principals_of(user: "User") -> "list[User]":
    """Return the active people who have delegated their requests to the user.

    The result is cached on the user object. Therefore use it only for lists, and not to decide
    whether somebody may answer: for that, `rights` reads the delegations again.
    """
    return kept_on(user, "principals", lambda: _principals_of(user))


def _principals_of(user: "User") -> "list[User]":
    delegations = Delegation.objects.active(clock.moment()).filter(to=user)
    return [one.user for one in delegations.select_related("user").order_by("pk")]


def deputies_among(people: Collection[Any]) -> dict[Any, set[Any]]:
    """Return the keys of the deputies in `people`, by the key of the person who has delegated.

    Deputies, and people who have delegated requests, are left out if they are inactive.
    """
    deputies: dict[Any, set[Any]] = defaultdict(set)
    is_here = is_active("to__") & Q(is_among("to", people))
    active = Delegation.objects.active(clock.moment()).filter(is_here)
    for user, to in active.order_by().values_list("user", "to"):
        deputies[user].add(to)
    return dict(deputies)


class Delegation(models.Model):
    """The authority of a deputy to answer another person's requests.

    A delegation ends at a date, or earlier if it is revoked.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="delegations",
        help_text="The person whose requests are delegated.",
    )
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="deputyships",
        help_text="The person who answers for them.",
    )
    from_at = models.DateTimeField()
    until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(user=F("to")), name="countersign_delegation_to_another"
            ),
            models.CheckConstraint(
                condition=Q(until__gt=F("from_at")), name="countersign_delegation_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} → {self.to}"

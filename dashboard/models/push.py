"""Browsers in which people have switched on push notifications, and the messages sent to each."""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy

from dashboard.models.sign_in import SignIn

if TYPE_CHECKING:
    from procedures.users import User

LONGEST_ENDPOINT = 2_000
LONGEST_KEY = 100
LONGEST_MESSAGE_KEY = 120
RECEIPTS_KEPT = timedelta(days=7)
"""The time for which receipts are kept; a notification without a receipt can't be withdrawn."""


class PushSubscriptionQuerySet(models.QuerySet["PushSubscription"]):
    def in_use(self, server_key: str) -> Self:
        """Return subscriptions for the site's public key `server_key`, in signed-in browsers."""
        now = timezone.now()
        return self.filter(server_key=server_key, sign_in__session__expire_date__gt=now)

    def of(self, user: "User") -> Self:
        return self.filter(sign_in__user=user)

    def with_message(self, key: str) -> Self:
        """Return subscriptions whose push service has accepted the message with this key."""
        return self.filter(pk__in=PushReceipt.objects.filter(key=key).values("subscription"))

    def without(self, key: str) -> Self:
        """Return subscriptions whose push service hasn't accepted the message with this key yet."""
        return self.exclude(pk__in=PushReceipt.objects.filter(key=key).values("subscription"))


class PushSubscription(models.Model):
    """A browser in which a person gets push notifications until the person signs out there."""

    sign_in = models.OneToOneField(SignIn, models.CASCADE, related_name="push_subscription")
    endpoint = models.CharField(
        max_length=LONGEST_ENDPOINT, help_text=lazy("The address at the browser's push service.")
    )
    digest = models.CharField(max_length=64, unique=True)
    public_key = models.CharField(max_length=LONGEST_KEY)
    secret = models.CharField(max_length=LONGEST_KEY)
    server_key = models.CharField(
        max_length=LONGEST_KEY,
        help_text=lazy("The site's public key for which the subscription was made."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PushSubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name, verbose_name_plural = lazy("push subscription"), lazy("push subscriptions")

    def __str__(self) -> str:
        return str(self.sign_in)

    @transaction.atomic
    def note_accepted(self, key: str, *, at: datetime) -> None:
        """Record that the browser's push service has accepted a message; delete old receipts.

        Nothing is recorded if the subscription was removed while the message was sent.
        """
        # Locked, or a sign-out at this moment would leave a receipt without its subscription.
        if PushSubscription.objects.select_for_update().filter(pk=self.pk).first() is None:
            return
        self.receipts.filter(accepted_at__lt=at - RECEIPTS_KEPT).delete()
        self.receipts.get_or_create(key=key, defaults={"accepted_at": at})


class PushReceipt(models.Model):
    """A message that a browser's push service has accepted, so that no retry sends it again."""

    subscription = models.ForeignKey(PushSubscription, models.CASCADE, related_name="receipts")
    key = models.CharField(max_length=LONGEST_MESSAGE_KEY)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "key"], name="countersign_pushed_once")
        ]

    def __str__(self) -> str:
        return self.key


def digest_of_endpoint(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()

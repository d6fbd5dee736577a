"""Preferences of people."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as lazy

if TYPE_CHECKING:
    from procedures.users import User


class Preferences(models.Model):
    """The choices that a person has made on the profile page."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text=lazy("For example Europe/Berlin. If empty, the browser's time zone is used."),
    )
    has_keys = models.BooleanField(
        default=True,
        db_default=True,
        help_text=lazy("If on, each button can be pressed with the key that is shown on it."),
    )

    hears_mentions = models.BooleanField(
        default=True,
        db_default=True,
        help_text=lazy("If on, the person is notified of messages that mention them."),
    )

    class Meta:
        verbose_name = verbose_name_plural = lazy("preferences")

    def __str__(self) -> str:
        return f"preferences of {self.user}"

    @property
    def zone(self) -> ZoneInfo | None:
        """The chosen time zone, or None."""
        return ZoneInfo(self.time_zone) if self.time_zone else None


def preferences_of(user: "User") -> Preferences:
    """Return a person's preferences; if there are none, return unsaved ones with the defaults."""
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)

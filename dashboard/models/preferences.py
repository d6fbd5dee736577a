"""Preferences of people."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as lazy

if TYPE_CHECKING:
    from procedures.users import User


class Preferences(models.Model):
    """The choices a person has made on the profile page."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text=lazy("For example Europe/Berlin. If empty, the browser's time zone is used."),
    )

    class Meta:
        verbose_name = verbose_name_plural = lazy("preferences")

    def __str__(self) -> str:
        return f"preferences of {self.user}"


def time_zone_of(user: "User") -> ZoneInfo | None:
    """Return the time zone a person chose, or None."""
    chosen = Preferences.objects.filter(pk=user.pk).values_list("time_zone", flat=True).first()
    return ZoneInfo(chosen) if chosen else None

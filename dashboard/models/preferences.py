"""Preferences of people."""

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, Q
from django.utils.translation import gettext_lazy as lazy

from dashboard.models.announcement import Announcement
from procedures.users import users

if TYPE_CHECKING:
    from procedures.users import User


LONGEST_NAME = 40
"""The maximum number of characters in the name of a filter."""
MOST_FILTERS = 20
"""The maximum number of filters that a person can save."""

MOST_DISMISSED = 20
"""The maximum number of dismissals of announcements that are stored; the oldest are dropped."""


class TooManyFiltersError(Exception):
    """The person has already saved `MOST_FILTERS` filters."""


class Detail(models.TextChoices):
    """The amount that a transcript shows of each run: only messages, also steps, or also logs."""

    MESSAGES = "messages", lazy("Messages")
    STEPS = "steps", lazy("Steps")
    EVERYTHING = "everything", lazy("Everything")


class Preferences(models.Model):
    """The choices that a person has made, most of them on the profile page."""

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

    detail = models.CharField(
        max_length=10,
        choices=Detail,
        default=Detail.STEPS,
        db_default=Detail.STEPS,
        help_text=lazy("How much of each run a transcript shows."),
    )

    filters = models.JSONField(
        default=list,
        help_text=lazy("The inbox filters that the person has saved: names and queries."),
    )

    dismissed = models.JSONField(
        default=list, help_text=lazy("The keys of the announcements that the person has dismissed.")
    )

    class Meta:
        verbose_name = verbose_name_plural = lazy("preferences")

    def __str__(self) -> str:
        return f"preferences of {self.user}"

    @property
    def zone(self) -> ZoneInfo | None:
        """The chosen time zone, or None."""
        return ZoneInfo(self.time_zone) if self.time_zone else None


@transaction.atomic
def keep_filter(user: "User", name: str, query: str) -> None:
    """Save a filter of a person's inbox under a name; replace a filter with the same name.

    `query` is the query string of the inbox. Raises `TooManyFiltersError` if the person has too
    many filters.
    """
    found = _locked(user)
    others = [one for one in found.filters if one["name"] != name]
    if len(others) >= MOST_FILTERS:
        raise TooManyFiltersError
    found.filters = [*others, {"name": name, "query": query}]
    found.save(update_fields=["filters"])


@transaction.atomic
def drop_filter(user: "User", name: str) -> None:
    """Remove a filter of a person's inbox, if there is one with this name."""
    found = _locked(user)
    found.filters = [one for one in found.filters if one["name"] != name]
    found.save(update_fields=["filters"])


@transaction.atomic
def dismiss(user: "User", key: str) -> None:
    """Stop showing an announcement to this person. Calling it twice is harmless."""
    found = _locked(user)
    others = [one for one in found.dismissed if one != key]
    found.dismissed = [*others, key][-MOST_DISMISSED:]
    found.save(update_fields=["dismissed"])


def _locked(user: "User") -> Preferences:
    Preferences.objects.get_or_create(user=user)
    return Preferences.objects.select_for_update().get(user=user)


def unwilling() -> Q:
    """Return a `Q` that matches users who don't want to be notified of mentions."""
    return Q(preferences__hears_mentions=False)


def preferences_of(user: "User") -> Preferences:
    """Return a person's preferences; if there are none, return unsaved ones with the defaults."""
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)


def preferences_for_page(user: "User") -> tuple[Preferences, bool]:
    """Return a person's preferences, and True if there are announcements that haven't ended.

    Both are read with one query, because every page needs them.
    """
    waiting = Exists(Announcement.objects.not_ended().order_by())
    found: Any = users().filter(pk=user.pk).select_related("preferences")
    row = found.annotate(has_announcements=waiting).order_by().first()
    kept = getattr(row, "preferences", None) or Preferences(user=user)
    return kept, bool(row and row.has_announcements)

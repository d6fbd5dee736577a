"""A counter for each person, with which all of the person's sign-in links can be invalidated."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F

if TYPE_CHECKING:
    from procedures.users import User


class LinkCounter(models.Model):
    """A counter in each sign-in link of a person; increasing it invalidates all the links."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="link_counter"
    )
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.count} of {self.user}"


def link_count(user: "User") -> int:
    """Return the person's counter, as valid links contain it."""
    found = LinkCounter.objects.filter(pk=user.pk).values_list("count", flat=True).first()
    return found or 0


def end_links(user: "User", *, if_still: int | None = None) -> bool:
    """Invalidate all links of a person; return True if that was done.

    With `if_still`, it is done only if the counter has that value.
    """
    LinkCounter.objects.get_or_create(pk=user.pk)
    rows = LinkCounter.objects.filter(pk=user.pk)
    if if_still is not None:
        rows = rows.filter(count=if_still)
    # Compare-and-set in one statement: two uses of a link can't both find the same number.
    return bool(rows.update(count=F("count") + 1))

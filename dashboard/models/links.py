"""A counter for each person, with which all of the person's sign-in links can be invalidated."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F

if TYPE_CHECKING:
    from procedures.users import User


class LinkCounter(models.Model):
    """A number in each sign-in link of a person; changing the number invalidates all the links."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="link_counter"
    )
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.count} of {self.user}"


def link_count(user: "User") -> int:
    """Return the number that a person's valid sign-in links contain."""
    found = LinkCounter.objects.filter(pk=user.pk).values_list("count", flat=True).first()
    return found or 0


def end_links(user: "User", *, if_still: int | None = None) -> bool:
    """Invalidate all sign-in links of a person; return True.

    If `if_still` is given and the person's counter has another value, change nothing; return False.
    """
    LinkCounter.objects.get_or_create(pk=user.pk)
    rows = LinkCounter.objects.filter(pk=user.pk)
    if if_still is not None:
        rows = rows.filter(count=if_still)
    # Compare-and-set in one statement: two uses of a link can't both find the same number.
    return bool(rows.update(count=F("count") + 1))

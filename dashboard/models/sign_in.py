"""The browsers in which people are signed in."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as lazy

from procedures.access import address_of

if TYPE_CHECKING:
    from procedures.users import User


LONGEST_AGENT = 200


class SignInQuerySet(models.QuerySet["SignIn"]):
    def end(self) -> int:
        """Sign people out of these browsers; return how many browsers there were."""
        # Read first: deleting the sessions deletes these rows, from which they would be selected.
        keys = list(self.values_list("session", flat=True))
        Session.objects.filter(pk__in=keys).delete()
        return len(keys)


class SignIn(models.Model):
    """A browser in which a person is signed in.

    The row is deleted together with its Django session.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins")
    session = models.OneToOneField(Session, models.CASCADE, related_name="sign_in")
    address = models.GenericIPAddressField(null=True, blank=True)
    agent = models.CharField(max_length=LONGEST_AGENT, blank=True)
    signed_in_at = models.DateTimeField(auto_now_add=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name, verbose_name_plural = lazy("sign-in"), lazy("sign-ins")

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"


def note_sign_in(request: HttpRequest, user: "User") -> None:
    """Record the browser in which somebody has just signed in."""
    key = request.session.session_key
    if not Session.objects.filter(pk=key).exists():  # sessions that are not in the database
        return
    agent = "".join(filter(str.isprintable, request.META.get("HTTP_USER_AGENT", "")))
    values = {
        "user": user,
        "address": address_of(request),
        "agent": agent[:LONGEST_AGENT],
    }
    SignIn.objects.update_or_create(session_id=key, defaults=values)

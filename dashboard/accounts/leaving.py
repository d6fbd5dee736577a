"""The end of a person's sessions, tokens and links when they leave or change their password."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext as _

from dashboard.models import ApiToken, SignIn
from dashboard.models.links import end_links
from procedures.users import User


def end_all_sign_ins(user: User) -> None:
    """End every session, API token and sign-in link of a person for good."""
    SignIn.objects.filter(user=user).end()
    _end_unnoted_sessions(user)
    ApiToken.objects.filter(user=user).revoke()
    end_links(user)


def _end_unnoted_sessions(user: User) -> None:
    """Delete the person's sessions without a `SignIn` row.

    All sessions without such a row are read, because only their encoded content names a user.
    """
    unnoted = Session.objects.filter(sign_in=None, expire_date__gt=timezone.now())
    theirs = [
        session.pk
        for session in unnoted.iterator()
        # A session holds its user only inside its signed text: no query can find it.
        if session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()


class EndOtherSignIns:
    """A password validator that ends a person's sessions, tokens and links on a password change.

    Django calls every validator's `password_changed` after a change. People often change a password
    because somebody else knows it, or holds one of their sessions or tokens, so these end too. When
    Django upgrades a password's hash at sign-in, nothing ends.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Accept any password."""

    def get_help_text(self) -> str:
        return _("A new password signs you out everywhere else and revokes your API tokens.")

    def password_changed(self, password: str, user: User) -> None:
        end_all_sign_ins(user)

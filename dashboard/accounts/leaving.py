"""What ends when the password of an account is changed, or somebody leaves or comes back."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from dashboard.models import ApiToken, SignIn
from dashboard.models.links import end_links


def end_ways_in(user: User) -> None:
    """End every session, API token and sign-in link of a person, for good."""
    SignIn.objects.filter(user=user).end()
    _end_unnoted_sessions(user)
    ApiToken.objects.filter(user=user).revoke()
    end_links(user)


def _end_unnoted_sessions(user: User) -> None:
    """Sessions from before sign-ins were noted tell whose they are only when they are read."""
    unnoted = Session.objects.filter(sign_in=None, expire_date__gt=timezone.now())
    theirs = [
        session.pk
        for session in unnoted.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()


class EndOtherWaysIn:
    """Stands among the password validators: Django tells them of every change that is saved.

    Who changes a password may do so because somebody else knows it, or has a browser or a token:
    those end, too. A hash that Django renews at signing in is no change.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Nothing of a password itself is asked here."""

    def get_help_text(self) -> str:
        return "A change signs you out everywhere else and revokes your API tokens."

    def password_changed(self, password: str, user: User) -> None:
        end_ways_in(user)

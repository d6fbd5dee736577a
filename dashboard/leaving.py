"""What ends when the password of an account is changed, by whatever way it is changed."""

from typing import Any

from django.contrib.auth.models import User

from dashboard.models import ApiToken, SignIn


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
        SignIn.objects.filter(user=user).end()
        ApiToken.objects.filter(user=user).revoke()

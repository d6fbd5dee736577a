"""Links that sign a person in once, without a password and without a table."""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils import timezone


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens that any sign-in of their person ends."""

    key_salt = "dashboard.sign_in.SignInTokens"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        """Django's own leaves out the microseconds: a link would live on for a second."""
        used = user.last_login.isoformat() if user.last_login else "never"
        return f"{user.pk}:{user.password}:{used}:{timestamp}:{user.email}"


tokens = SignInTokens()


def sign_in_link(user: User, *, site: str | None = None) -> str:
    path = reverse("sign_in_link", args=[user.username, tokens.make_token(user)])
    return f"{site or settings.SITE_URL}{path}"


def user_of_link(name: str, token: str) -> User | None:
    """Whom the link signs in, if it is still good. Changes nothing."""
    user = User.objects.filter(username=name, is_active=True).first()
    return user if user and tokens.check_token(user, token) else None


def use_link(name: str, token: str) -> User | None:
    """Whom the link has signed in now. Of two at the same moment one succeeds."""
    user = user_of_link(name, token)
    if user is None:
        return None
    unused = User.objects.filter(pk=user.pk, last_login=user.last_login)
    is_first = unused.update(last_login=timezone.now())
    return user if is_first else None

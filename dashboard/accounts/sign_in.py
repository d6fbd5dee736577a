"""Links that sign a person in once, without a password."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse

from dashboard.models.links import end_links, link_count
from dashboard.models.trail import note
from procedures.conf import conf
from procedures.models import Act
from procedures.users import User, email_of, find_active_user


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens of sign-in links; any sign-in of the person invalidates all of them."""

    key_salt = "dashboard.accounts.sign_in.SignInTokens"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        """Return the text that a token signs.

        It contains a counter of used links instead of the time of the last sign-in, because
        administrators can edit that time.
        """
        return f"{user.pk}:{user.password}:{link_count(user)}:{timestamp}:{email_of(user)}"


tokens = SignInTokens()


def sign_in_link(user: User, *, site: str | None = None) -> str:
    note(user, "A sign-in link was made.", kind=Act.Kind.LINK)
    path = reverse("countersign:sign_in_link", args=[user.get_username(), tokens.make_token(user)])
    return f"{site or conf.SITE_URL}{path}"


def user_of_link(name: str, token: str) -> User | None:
    """Return the person whom a valid link would sign in, or None; the link isn't used up."""
    user = find_active_user(name)
    return user if user and tokens.check_token(user, token) else None


def use_link(name: str, token: str) -> User | None:
    """Use up a link and return its person, or None if it isn't valid.

    If two requests use it at the same time, only one succeeds.
    """
    user = find_active_user(name)
    if user is None:
        return None
    # The count is read before the token is checked, and compared when the link is used up: of two
    # simultaneous clicks, only one finds it unchanged.
    count = link_count(user)
    if not tokens.check_token(user, token):
        return None
    return user if end_links(user, if_still=count) else None

"""Links that sign a person in once, without a password."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse

from dashboard.models.links import end_links, link_count
from dashboard.models.trail import note
from procedures.conf import conf
from procedures.models import Act
from procedures.users import User, email_of, find_active_user


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens of sign-in links; each sign-in of a person invalidates all of the person's tokens."""

    key_salt = "dashboard.accounts.sign_in.SignInTokens"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        """Return the text from which a token's signature is computed.

        The text contains the person's counter of sign-ins. Django's own text contains the time of
        the last sign-in, which administrators can edit.
        """
        return f"{user.pk}:{user.password}:{link_count(user)}:{timestamp}:{email_of(user)}"


tokens = SignInTokens()


def sign_in_link(user: User, *, by: User | str = "", site: str | None = None) -> str:
    """Return a new link; `by` is who has asked for it: a person, or a part of the system."""
    note(by, "A sign-in link was created.", about=user, kind=Act.Kind.LINK)
    path = reverse("countersign:sign_in_link", args=[user.get_username(), tokens.make_token(user)])
    return f"{site or conf.SITE_URL}{path}"


def user_of_link(name: str, token: str) -> User | None:
    """Return the person whom a link would sign in, or None if the link isn't valid.

    The link can still be used afterwards.
    """
    user = find_active_user(name)
    return user if user and tokens.check_token(user, token) else None


def use_link(name: str, token: str) -> User | None:
    """Return the person whom a link signs in, or None if the link isn't valid.

    The link is invalid afterwards. If two requests use a link at the same time, only one gets the
    person.
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

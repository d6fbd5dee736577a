"""Operations by administrators on a person's sessions, tokens and sign-in links."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from dashboard.accounts.authority import may_act_as, may_change
from dashboard.accounts.leaving import end_all_sign_ins
from dashboard.accounts.sign_in import sign_in_link
from dashboard.models import ApiToken
from dashboard.models.links import end_links
from dashboard.models.trail import Kind, note
from procedures.transactions import service_atomic
from procedures.users import User, email_of, short_name


class NoAddressError(Exception):
    """The person has no e-mail address to which a link could be sent."""


@service_atomic
def end_everything(user: User, *, by: User) -> None:
    """End all sessions, tokens and links of a person."""
    _check(may_change(by, user))
    end_all_sign_ins(user)
    note(by, "Ended all sessions, and revoked all tokens and sign-in links.", about=user)


@service_atomic
def end_session(user: User, sign_in: int, *, by: User) -> None:
    _check(may_change(by, user))
    if user.sign_ins.filter(pk=sign_in).end():
        note(by, "Ended a sign-in session.", about=user)


@service_atomic
def revoke_token(user: User, token: int, *, by: User) -> None:
    _check(may_change(by, user))
    for one in user.api_tokens.filter(pk=token):
        revoke(one, by=by)


@service_atomic
def revoke(token: ApiToken, *, by: User) -> bool:
    """Revoke a token and log who did so; return False if somebody has revoked it before."""
    if not ApiToken.objects.filter(pk=token.pk).revoke():
        return False
    note(by, f"Revoked the token {token}.", about=token)
    return True


@service_atomic
def create_token(
    user: User, *, name: str, scopes: Iterable[str], expires_at: datetime | None, by: User
) -> str:
    """Return a new token with which a program acts as the person; `by` will see it.

    Whoever may create a sign-in link for the person may do this, because a token allows no more.
    """
    _check(may_act_as(by, user))
    return ApiToken.create_for(user, name=name, scopes=scopes, expires_at=expires_at, by=by)


@service_atomic
def end_all_links(user: User, *, by: User) -> None:
    _check(may_change(by, user))
    end_links(user)
    note(by, "Revoked all sign-in links.", about=user, kind=Kind.LINK)


def make_link(user: User, *, by: User) -> str:
    """Return a link that signs the person in once; the administrator `by` will see it."""
    _check(may_act_as(by, user))
    link = sign_in_link(user, by=by)
    note(by, "Created a sign-in link and viewed it.", about=user, kind=Kind.LINK)
    return link


def mail_link(user: User, *, by: User, connection: Any = None) -> None:
    """Send the person a mail with a link that signs the person in once.

    `connection` is a mail connection of Django's, or None for the default. Raises `NoAddressError`,
    or the error of the mail server if the server refuses the mail.
    """
    _check(may_act_as(by, user))
    to = email_of(user)
    if not to:
        raise NoAddressError
    words = _(
        "Hello {name},\n\n{by} invites you to Countersign. This link signs you in once:\n\n{link}\n"
    )
    text = words.format(name=short_name(user), by=short_name(by), link=sign_in_link(user, by=by))
    send_mail(_("Sign in to Countersign"), text, None, [to], connection=connection)
    note(by, "Sent a sign-in link by mail.", about=user, kind=Kind.LINK)


def _check(may: bool) -> None:  # noqa: FBT001
    if not may:
        raise PermissionDenied

"""Adapters by which django-allauth asks the site who may sign in and how factors are stored."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import check_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from qrcode import QRCode
from qrcode.image.svg import SvgPathImage

from dashboard.accounts.invitations import InvitationLine
from dashboard.accounts.notified import staying_notified
from dashboard.accounts.second_factor import company_name
from dashboard.company.exchanges import Bounded
from dashboard.company.newcomers import admit, group_of_newcomers
from dashboard.company.refusals import Refusal, refuse
from dashboard.models.trail import note
from procedures.conf import conf
from procedures.models.act import Act, log_act
from procedures.users import User, has_user_field, users

PURPOSE = b"countersign: second factors"


class Accounts(DefaultAccountAdapter):
    """The adapter for accounts, which are created by invitations and never by a sign-up form."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: nobody makes an account for themselves."""
        return False

    def get_login_stages(self) -> list[str]:
        """Return the only stage between the first proof and the sign-in: the second factor."""
        return ["allauth.mfa.stages.AuthenticateStage"]

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign the person in, unless the account was deactivated before the factor was given."""
        if not user.is_active:
            raise ImmediateHttpResponse(refuse(request, Refusal.INACTIVE))
        with staying_notified(request, user):
            super().login(request, user)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return refuse(request, Refusal.INACTIVE)

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Check the password without renewing its hash, which would end the session."""
        return check_password(password, user.password)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return True for people who can prove again who they are.

        Somebody who has neither a password nor a factor has just signed in by a link or with a
        company account, and there is nothing else to ask for.
        """
        return bool(self.get_reauthentication_methods(self.request.user))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return how a person proves again who they are: with a factor, if they have one.

        Otherwise, whoever knows the password could see the recovery codes, or add a factor, in a
        session that began before the person had a factor.
        """
        found: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [one for one in found if one["id"].startswith("mfa_")] or found

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: Any = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Show only errors; after a success, our pages need no message."""
        if message:
            messages.add_message(request, level, message)


class Factors(DefaultMFAAdapter):
    """Second factors, whose secrets are encrypted with keys derived from `SECRET_KEY`."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": lazy(
            "This code wasn't accepted. An app shows a new code every 30 seconds; enter the newest."
        ),
        "incorrect_passkey": lazy("This passkey wasn't accepted. Try again, or use another one."),
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def build_totp_svg(self, url: str) -> str:
        """Return an image that a page can contain: SVG without an XML declaration."""
        code = QRCode(image_factory=SvgPathImage)
        code.add_data(url)
        return str(code.make_image().to_string(encoding="unicode"))

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002 (its name)
        number = user.authenticator_set.filter(type=type).count() + 1
        return _("Passkey {number}").format(number=number)


class Companies(DefaultSocialAccountAdapter):
    """Sign-ins with company accounts, which are matched with people by verified addresses only."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the identity providers in `OIDC_PROVIDERS`; none is kept in a table."""
        named = [_company(key) for key in conf.OIDC_PROVIDERS]
        return [one for one in named if provider in {None, one.provider, one.provider_id}]

    def get_requests_session(self) -> Bounded:
        return Bounded()

    def generate_state_param(self, state: dict[str, Any]) -> str:
        """Return the state that the view has chosen. The view also derives the nonce from it."""
        return str(state["data"]["state"])

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Respond with a page of ours instead of django-allauth's."""
        error, exception = kwargs.get("error"), kwargs.get("exception")
        raise ImmediateHttpResponse(refuse(request, reason_of(error, exception)))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse the sign-in, or link the company account with the account that has its address.

        The link stays, so a later change of the address doesn't matter. Nothing is linked by an
        address that the company hasn't verified, since anybody could enter it there.
        """
        if owner := sociallogin.state["data"].get("link"):
            raise ImmediateHttpResponse(self._link_own(request, sociallogin, owner))
        if not sociallogin.is_existing:
            try:
                self._link(request, sociallogin)
            except IntegrityError:  # another request of the same person's was faster
                sociallogin.lookup()
        if not sociallogin.is_existing:
            raise ImmediateHttpResponse(refuse(request, Refusal.UNPROVEN))
        if not sociallogin.user.is_active:
            log_act(Act.Kind.FAILURE, "A sign-in failed.", about=sociallogin.user)
            raise ImmediateHttpResponse(refuse(request, Refusal.INACTIVE))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Return False, because `pre_social_login` creates the accounts of newcomers."""
        return False

    @transaction.atomic
    def _link(self, request: HttpRequest, sociallogin: Any) -> None:
        """Link the company account with its owner's, and make an account for a newcomer.

        Nothing is linked with an account that isn't active, and the row of the account isn't saved:
        it may have been changed since it was read.
        """
        user = self._owner(request, sociallogin)
        if user.is_active:
            _keep_link(sociallogin.account, user)
        sociallogin.user = user

    def _link_own(self, request: HttpRequest, sociallogin: Any, owner: str) -> HttpResponse:
        """Link the company account with the account of the signed-in person, who asked for it."""
        user: Any = request.user
        if str(user.pk) != owner:  # somebody else has signed in meanwhile, or nobody
            return refuse(request, Refusal.UNPROVEN)
        if not sociallogin.is_existing:
            try:
                with transaction.atomic():
                    _keep_link(sociallogin.account, user)
            except IntegrityError:  # another request was faster
                sociallogin.lookup()
            else:
                return redirect("mfa_index")
        if sociallogin.user.pk != user.pk:
            return refuse(request, Refusal.TAKEN)
        return redirect("mfa_index")

    def _owner(self, request: HttpRequest, sociallogin: Any) -> User:
        given = [one.email for one in sociallogin.email_addresses if one.verified]
        if not given:
            raise ImmediateHttpResponse(refuse(request, Refusal.UNVERIFIED))
        found = _people_at(given[0])
        if len(found) > 1:
            raise ImmediateHttpResponse(refuse(request, Refusal.AMBIGUOUS))
        user = found[0] if found else self._newcomer(given[0], sociallogin)
        if user is None:
            raise ImmediateHttpResponse(refuse(request, Refusal.UNKNOWN))
        return user

    def _newcomer(self, address: str, sociallogin: Any) -> User | None:
        group = group_of_newcomers()
        if group is None:
            return None
        named = sociallogin.user
        line = InvitationLine(
            address,
            first_name=getattr(named, "first_name", ""),
            last_name=getattr(named, "last_name", ""),
        )
        return admit(line, group, company=sociallogin.account.get_provider().name)


def reason_of(error: Any, exception: Exception | None) -> Refusal:
    """Return the refusal that people read after a failed sign-in, from django-allauth's error."""
    if str(getattr(error, "value", error)) == "cancelled":
        return Refusal.CANCELLED
    is_away = type(exception).__module__.startswith("requests")
    return Refusal.UNREACHABLE if is_away else Refusal.UNPROVEN


def _company(key: str) -> SocialApp:
    given = conf.OIDC_PROVIDERS[key]
    return SocialApp(
        provider="openid_connect",
        provider_id=key,
        name=company_name(key),
        client_id=given["client_id"],
        secret=given["secret"],
        settings={"server_url": given["url"].rstrip("/"), "oauth_pkce_enabled": True},
    )


def _people_at(address: str) -> list[User]:
    """Return the active people with this address, or else those who have left.

    Only the case of ASCII letters may differ. Databases compare by their own rules: for some, a
    dotless "i" equals an "i", so they would also find another person's address.
    """
    field = users().model.get_email_field_name()
    if not has_user_field(field):
        return []
    alike = users().filter(**{f"{field}__iexact": address})
    found = [one for one in alike if _plain(getattr(one, field)) == _plain(address)]
    return [one for one in found if one.is_active] or found


def _keep_link(account: Any, user: User) -> None:
    account.user = user
    account.save(force_insert=True)
    note(user, f"Linked an account at {account.get_provider().name}.", about=user)


def _plain(address: str) -> str:
    return "".join(one.lower() if one.isascii() else one for one in address)


def _cipher() -> MultiFernet:
    """Return the cipher of the keys in force; the first one encrypts, all decrypt."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = [hashlib.blake2b(PURPOSE, key=_short(key), digest_size=32).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(one)) for one in derived])


def _short(key: str) -> bytes:
    return hashlib.sha512(key.encode()).digest()

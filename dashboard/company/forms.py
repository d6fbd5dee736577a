"""Forms for second factors, whose failures count as failed attempts to sign in."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.base import forms as codes
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkeys
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from limits import parse

from dashboard.http.throttle import Attempt, TooManyAttemptsError, ask
from procedures.models.act import Act, log_act

T = TypeVar("T")
ONE_USE = parse("1 per 2 minutes")
"""A code of an authenticator app is good for at most one and a half minutes."""


class Counted:
    """A form that checks a secret of somebody who isn't signed in yet, or not surely."""

    user: Any
    failure = "A second factor failed."

    def counted(self, check: Callable[[], T]) -> T:
        """Return what the check returns; refuse it unread after too many failures."""
        name = self.user.get_username() if self.user else ""
        attempt = Attempt.by(context.request, "second factor", name)
        try:
            attempt.begin()
        except TooManyAttemptsError as error:
            raise ValidationError(str(error)) from None
        try:
            value = check()
        except ValidationError:
            attempt.fail()
            if self.user:
                log_act(Act.Kind.FAILURE, self.failure, about=self.user)
            raise
        attempt.succeed()
        return value

    def once(self, code: str) -> str:
        """Return the code; refuse it if it was used already. All processes share the count."""
        used = hashlib.sha256(f"{self.user.pk}:{code}".encode()).hexdigest()
        if not ask("hit", ONE_USE, f"second factor:used:{used}"):
            raise ValidationError(_("This code was used already. Wait for the next one."))
        return code


class Code(Counted, codes.AuthenticateForm):
    def clean_code(self) -> str:
        check = super().clean_code
        return self.counted(lambda: self.once(check()))


class CodeAgain(Counted, codes.ReauthenticateForm):
    def clean_code(self) -> str:
        check = super().clean_code
        return self.counted(lambda: self.once(check()))


class FirstCode(Counted, ActivateTOTPForm):
    def clean_code(self) -> Any:
        return self.counted(super().clean_code)


class PasswordAgain(Counted, ReauthenticateForm):
    failure = "A password failed."

    def clean_password(self) -> Any:
        return self.counted(super().clean_password)


class Passkey(Counted, passkeys.AuthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.counted(super().clean_credential)


class PasskeyAgain(Counted, passkeys.ReauthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.counted(super().clean_credential)


class PasskeyAlone(Counted, passkeys.LoginWebAuthnForm):
    def clean_credential(self) -> Any:
        return self.counted(super().clean_credential)

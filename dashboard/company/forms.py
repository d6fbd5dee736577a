"""Forms for second factors, whose failures count as failed attempts to sign in."""

import hashlib
import struct
from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as codes
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkeys
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from limits import parse

from dashboard.http.throttle import Attempt, TooManyAttemptsError, ask
from procedures.models.act import Act, log_act

T = TypeVar("T")
LONGEST_NAME = 80
"""The maximum length of a passkey's name in characters. Entries of the log contain the name."""
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""The errors that parsers raise for a text that isn't the response of a passkey."""
ONE_USE = parse("1 per 2 minutes")
"""The period in which a code works once; codes of authenticator apps expire sooner."""


class Counted:
    """A form that checks a secret; each failure counts as a failed attempt to sign in."""

    user: Any
    failure = "A second factor failed."

    def counted(self, check: Callable[[], T]) -> T:
        """Return what the check returns; after too many failures, refuse without a check."""
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
        plain = "".join(filter(str.isalnum, code))  # the check leaves out spaces and signs, too
        used = hashlib.sha256(f"{self.user.pk}:{plain}".encode()).hexdigest()
        if not ask("hit", ONE_USE, f"second factor:used:{used}"):
            raise ValidationError(_("This code was used already. Wait for the next one."))
        return code


class CountedCode(Counted, codes.BaseAuthenticateForm):
    """A form with a code from somebody's second factor; each code works once."""

    def clean_code(self) -> str:
        check = super().clean_code
        return self.counted(lambda: self.once(check()))


class Code(CountedCode, codes.AuthenticateForm):
    """The form that asks for a code at the sign-in, after a password or a link."""


class CodeAgain(CountedCode, codes.ReauthenticateForm):
    """The form with which somebody proves again who they are."""


class FirstCode(Counted, ActivateTOTPForm):
    def clean_code(self) -> Any:
        return self.counted(super().clean_code)


class PasswordAgain(Counted, ReauthenticateForm):
    failure = "A wrong password was entered."

    def clean_password(self) -> Any:
        return self.counted(super().clean_password)


class CountedPasskey(Counted):
    """A form with the response of a passkey; an unreadable response counts as a wrong one."""

    def read(self, check: Callable[[], T]) -> T:
        try:
            return check()
        except UNREADABLE:
            pass
        except ValidationError as error:
            if getattr(error, "code", "") != "incorrect_code":
                raise
        raise get_adapter().validation_error("incorrect_passkey")


class NewPasskey(CountedPasskey, passkeys.AddWebAuthnForm):
    def clean_name(self) -> str:
        return str(super().clean_name())[:LONGEST_NAME]

    def clean(self) -> Any:
        return self.read(super().clean)


class Passkey(CountedPasskey, passkeys.AuthenticateWebAuthnForm):
    """The form that asks for a passkey at the sign-in, after a password or a link."""

    def clean_credential(self) -> Any:
        check = super().clean_credential
        return self.counted(lambda: self.read(check))


class PasskeyAgain(Passkey, passkeys.ReauthenticateWebAuthnForm):
    """The form with which somebody proves again who they are."""


class PasskeyAlone(Passkey, passkeys.LoginWebAuthnForm):
    """The form with which somebody signs in by a passkey alone, without a user name."""

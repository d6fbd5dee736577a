"""The form that a browser sends to subscribe to notifications."""

import re
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django import forms
from django.db import transaction
from django.utils.translation import gettext as _

from dashboard.channels.posting import is_allowed_host
from dashboard.channels.push.keys import PushKey, decoded
from dashboard.models import PushSubscription, SignIn
from dashboard.models.push import LONGEST_ENDPOINT, LONGEST_KEY, digest_of_endpoint
from procedures.conf import conf
from procedures.webhooks import fault_of_url

SECRET_LENGTH = 16
PLACE = re.compile(r"[\w.-]+(:\d+)?", re.ASCII)
"""Hosts for which py_vapid signs messages: names and IPv4 addresses, with or without a port."""


class SubscriptionForm(forms.Form):
    """A subscription, with the fields that the browser's push manager returns."""

    endpoint = forms.CharField(max_length=LONGEST_ENDPOINT)
    public_key = forms.CharField(max_length=LONGEST_KEY)
    secret = forms.CharField(max_length=LONGEST_KEY)

    def clean_endpoint(self) -> str:
        """Return the URL at which the push service takes messages for the browser.

        Raises `ValidationError` if it can't be one of a push service. The host name of the URL is
        resolved only when a message is sent.
        """
        endpoint = str(self.cleaned_data["endpoint"])
        to_loopback = conf.PUSH_TO_LOOPBACK
        if not fault_of_url(endpoint, to_loopback=to_loopback):
            parts = urlsplit(endpoint)
            is_allowed = is_allowed_host(parts.hostname or "", to_loopback=to_loopback)
            if is_allowed and PLACE.fullmatch(parts.netloc):
                return endpoint
        raise forms.ValidationError(
            _(
                "This site can't send notifications through this browser's push service. Use "
                "another browser."
            )
        )

    def clean_public_key(self) -> str:
        text = str(self.cleaned_data["public_key"])
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(text))
        except ValueError:
            raise forms.ValidationError(_unusable_key()) from None
        return text

    def clean_secret(self) -> str:
        text = str(self.cleaned_data["secret"])
        try:
            is_right = len(decoded(text)) == SECRET_LENGTH
        except ValueError:
            is_right = False
        if not is_right:
            raise forms.ValidationError(_unusable_key())
        return text

    @transaction.atomic
    def save(self, sign_in: SignIn, key: PushKey) -> PushSubscription:
        """Store the browser's subscription under the current sign-in.

        Delete the subscriptions of other sign-ins in the same browser.
        """
        digest = digest_of_endpoint(self.cleaned_data["endpoint"])
        PushSubscription.objects.filter(digest=digest).exclude(sign_in=sign_in).delete()
        values = {**self.cleaned_data, "digest": digest, "server_key": key.public}
        return PushSubscription.objects.update_or_create(sign_in=sign_in, defaults=values)[0]


def _unusable_key() -> str:
    return _("This browser's key for notifications is invalid. Use another browser.")

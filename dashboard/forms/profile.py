"""The forms of the profile page."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.models import ApiToken, Preferences, Scope
from dashboard.models.preferences import Detail
from dashboard.models.token import NEW_TOKEN
from procedures.users import User

LIVES = {
    "7": lazy("7 days"),
    "30": lazy("30 days"),
    "90": lazy("90 days"),
    "365": lazy("One year"),
    "": lazy("Never"),
}
USUAL_LIFE = "90"
MOST_TOKENS = 50


class TokenForm(forms.Form):
    """A form for a new API token."""

    name = forms.CharField(
        label=lazy("Name"),
        max_length=80,
        help_text=lazy("The program that will use the token, such as “Cash register 3”."),
        error_messages={"required": lazy("Enter the name of the program that will use the token.")},
    )
    scopes = forms.MultipleChoiceField(
        label=lazy("Scopes"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=list(NEW_TOKEN),
        error_messages={"required": lazy("Choose at least one scope.")},
    )
    days = forms.ChoiceField(
        label=lazy("Expires after"), choices=LIVES.items(), initial=USUAL_LIFE, required=False
    )

    def __init__(self, user: User, data: Any = None) -> None:
        self.user = user
        super().__init__(data, auto_id="token-%s")

    def clean(self) -> dict[str, Any]:
        if self.user.api_tokens.usable().count() >= MOST_TOKENS:
            raise forms.ValidationError(
                _("{count} tokens are in use, which is the limit. Revoke one first.").format(
                    count=MOST_TOKENS
                )
            )
        return self.cleaned_data

    def create(self) -> str:
        """Create the token, and return its text. The text can't be read again later."""
        return ApiToken.create_for(self.user, **self.wanted)

    @property
    def wanted(self) -> dict[str, Any]:
        """The name, scopes and end of the new token, as `ApiToken.create_for` takes them."""
        names = ("name", "scopes")
        chosen = {name: self.cleaned_data[name] for name in names}
        return {**chosen, "expires_at": self._expires_at()}

    def _expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class TimeZoneForm(forms.Form):
    """A form for the time zone in which the person sees times."""

    time_zone = forms.CharField(max_length=64, required=False)

    def clean_time_zone(self) -> str:
        chosen = str(self.cleaned_data["time_zone"]).strip()
        if chosen and chosen not in available_timezones():
            raise forms.ValidationError(_("Choose a time zone such as Europe/Berlin."))
        return chosen

    def save(self, user: User) -> str:
        """Save the time zone, and return its name, or "" for the time zone of the browser."""
        chosen = str(self.cleaned_data["time_zone"])
        Preferences.objects.update_or_create(user=user, defaults={"time_zone": chosen})
        return chosen


class KeysForm(forms.Form):
    """A form that switches single-key shortcuts on or off."""

    has_keys = forms.BooleanField(required=False)

    def save(self, user: User) -> bool:
        """Save the choice, and return True if single-key shortcuts are on."""
        chosen = bool(self.cleaned_data["has_keys"])
        Preferences.objects.update_or_create(user=user, defaults={"has_keys": chosen})
        return chosen


class MentionsForm(forms.Form):
    """A form that switches notifications of mentions on or off."""

    hears_mentions = forms.BooleanField(required=False)

    def save(self, user: User) -> bool:
        """Save the choice, and return True if the person is notified of mentions."""
        chosen = bool(self.cleaned_data["hears_mentions"])
        Preferences.objects.update_or_create(user=user, defaults={"hears_mentions": chosen})
        return chosen


class DetailForm(forms.Form):
    """A form with which a person chooses how much of each run a transcript shows."""

    detail = forms.ChoiceField(choices=Detail.choices)

    def save(self, user: User) -> None:
        """Save the choice."""
        chosen = self.cleaned_data["detail"]
        Preferences.objects.update_or_create(user=user, defaults={"detail": chosen})


def time_zones() -> list[str]:
    """Return the time zones to choose from: those named after a place, but no outdated names."""
    places = [zone for zone in available_timezones() if "/" in zone]
    return sorted(zone for zone in places if not zone.startswith(("Etc/", "posix", "right")))


def password_form(user: User, data: Any = None) -> "SetPasswordForm[User]":
    """Return the form for a new password. It asks for the old password if the person has one."""
    if user.has_usable_password():
        return PasswordChangeForm(user, data)
    return SetPasswordForm(user, data)

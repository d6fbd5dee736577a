"""Log changes of second factors, and record a new factor in the session that has set it up."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.http import HttpRequest

from dashboard.accounts.second_factor import SECOND
from dashboard.models.trail import note

CODES = "recovery_codes"


def connect() -> None:
    authenticator_added.connect(keep_added)
    authenticator_removed.connect(keep_removed)
    authenticator_reset.connect(keep_reset)


def keep_added(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    note(user, f"Added a second factor: {authenticator}.")
    if authenticator.type != CODES:  # whoever sets a factor up has it at hand
        details = {"id": authenticator.pk, "type": authenticator.type, "reauthenticated": True}
        record_authentication(request, user, SECOND, **details)
        request.session.save()  # the signal may come after a commit, when nobody else saves it


def keep_removed(user: Any, authenticator: Any, **_: Any) -> None:
    note(user, f"Removed a second factor: {authenticator}.")


def keep_reset(user: Any, **_: Any) -> None:
    note(user, "Made new recovery codes.")

"""The last step of each sign-in, which asks for the second factor of whoever has one."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.module_loading import import_string

from dashboard.accounts.notified import staying_notified
from dashboard.accounts.second_factor import company_name, is_on
from procedures.conf import conf


def sign_in(request: HttpRequest, user: Any, *, to: str) -> HttpResponse:
    """Sign in a person whose password or link was right, and redirect to `to`.

    Whoever has a second factor is asked for it first, and isn't signed in before.
    """
    if is_on():
        perform_login = import_string("allauth.account.utils.perform_login")
        response: HttpResponse = perform_login(request, user, redirect_url=to)
        return response
    with staying_notified(request, user):
        login(request, user, settings.AUTHENTICATION_BACKENDS[0])
    return redirect(to)


def ways_in() -> dict[str, Any]:
    """Return what the sign-in page offers besides name and password."""
    if not is_on():
        return {}
    companies = [(key, company_name(key)) for key in sorted(conf.OIDC_PROVIDERS)]
    return {"companies": companies, "has_passkeys": True}

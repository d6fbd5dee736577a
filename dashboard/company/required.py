"""The middleware that lets staff do nothing in a browser until they use a second factor."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from dashboard.accounts.second_factor import is_missing
from dashboard.http.addresses import is_of_api

OPEN = {
    *("account_reauthenticate", "account_login", "sign_in", "sign_in_link", "sign_out"),
    *("healthz", "readyz", "manifest", "speculation_rules", "service_worker"),
}
"""The names of the addresses that stay open, besides those of the factors themselves."""
OPEN_FACTORS = ("mfa_", "openid_connect_")
WORDS = "Staff need a second factor here. Open the site in a browser to set one up."


class SecondFactorMiddleware(MiddlewareMixin):
    """Middleware that makes staff use their second factor, or set one up if they have none.

    It is about sessions of browsers only: programs with a token do what their token allows.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Return a redirect or a refusal, or None for everybody who may go on."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or _is_open(request):
            return None
        is_program = is_of_api(request.path) and "Authorization" in request.headers
        if is_program or not request.user.is_authenticated:
            return None
        if not is_missing(request.user, request.session):
            return None
        if is_of_api(request.path):
            return JsonResponse({"detail": WORDS}, status=HTTPStatus.FORBIDDEN)
        return _lead(request)


def _is_open(request: HttpRequest) -> bool:
    match = request.resolver_match
    name = (match.url_name if match else "") or ""
    return name in OPEN or name.startswith(OPEN_FACTORS)


def _lead(request: HttpRequest) -> HttpResponse:
    """Return a redirect to the page that asks for the second factor, or to set one up."""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    own = [one["url"] for one in methods if one["id"].startswith("mfa_")]
    back = request.get_full_path() if request.method == "GET" else reverse("countersign:home")
    to = f"{own[0]}?{urlencode({'next': back})}" if own else reverse("mfa_index")
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": to})
    return HttpResponseRedirect(to)

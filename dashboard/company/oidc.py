"""Sign-in with a company account by OpenID Connect: the way there, and the way back.

django-allauth believes an ID token because it came over TLS, and sends no nonce. Here the token's
signature, issuer, audience, time and nonce are all checked.
"""

from secrets import token_urlsafe
from typing import Any

import jwt
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from dashboard.company.refusals import DOOR, Refusal, refuse
from dashboard.http.throttle import Attempt
from procedures.conf import conf

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with a public key. With a shared secret, whoever knows it could sign in anybody."""
LEEWAY = 60
"""The seconds by which the company's clock may be wrong."""
KEPT = ("email", "name")


class Provider(OpenIDConnectOAuth2Adapter):
    """A company that signs people in."""

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Return the sign-in of whom the ID token names, after all checks of the token."""
        try:
            claims = self._read(kwargs["response"]["id_token"], request.GET["state"], app.client_id)
            login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        except (KeyError, TypeError, ValueError, AttributeError, jwt.PyJWTError) as error:
            raise OAuth2Error("The ID token isn't valid.") from error
        # What the company tells of a person stays there, except by what the person is found.
        told = {name: claims[name] for name in KEPT if name in claims}
        login.account.extra_data = told
        return login

    def _read(self, text: str, state: str, client_id: str) -> dict[str, Any]:
        keys = jwt.PyJWKClient(self.openid_config["jwks_uri"], timeout=5)
        try:
            key = keys.get_signing_key_from_jwt(text).key
        except jwt.PyJWKClientConnectionError as error:
            raise RequestException from error
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=self.openid_config["issuer"],
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        if not constant_time_compare(str(claims.get("nonce")), nonce_of(state)):
            raise jwt.InvalidTokenError("The nonce is another sign-in's.")
        return claims


def nonce_of(state: str) -> str:
    """Return the nonce of a sign-in, which only this site can derive from the sign-in's state."""
    return salted_hmac("dashboard.company.oidc.nonce", state).hexdigest()


@never_cache
@require_POST
def sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Lead the browser to the company.

    A page leads there, and not a redirect, which our content security policy would forbid for the
    answer to a form.
    """
    if Attempt.by(request, DOOR).is_over():
        return refuse(request, Refusal.TOO_MANY)
    provider = _find(request, provider_id).get_provider()
    state, to = token_urlsafe(24), request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(to, {request.get_host()}, request.is_secure())
    try:
        there = provider.redirect(
            request,
            process=AuthProcess.LOGIN,
            next_url=to if is_ours else reverse("countersign:home"),
            data={"state": state},
            auth_params={**provider.get_auth_params(), "nonce": nonce_of(state)},
        )
    except (RequestException, KeyError, ValueError):
        return refuse(request, Refusal.UNREACHABLE)
    context = {"url": there.url, "company": provider.name}
    return render(request, "dashboard/company/leaving.html", context)


@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in the person whom the company names, or say why not."""
    if Attempt.by(request, DOOR).is_over():
        return refuse(request, Refusal.TOO_MANY)
    view = OAuth2CallbackView.adapter_view(_find(request, provider_id))
    try:
        response: HttpResponse = view(request)
    except RequestException:
        return refuse(request, Refusal.UNREACHABLE)
    except (KeyError, ValueError):  # an answer of the company without a part that it must have
        return refuse(request, Refusal.UNPROVEN)
    return response


def _find(request: HttpRequest, provider_id: str) -> Provider:
    if provider_id not in conf.OIDC_PROVIDERS:
        raise Http404
    return Provider(request, provider_id)

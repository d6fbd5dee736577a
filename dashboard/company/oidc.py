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
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from dashboard.company.exchanges import Bounded, in_time
from dashboard.company.refusals import DOOR, Refusal, refuse
from dashboard.environment.values import is_private, is_text
from dashboard.http.addresses import is_here
from dashboard.http.throttle import Attempt
from procedures.conf import conf

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""The accepted signature algorithms, all of which use a public key.

Whoever knows a shared secret could sign in as anybody.
"""
LEEWAY = 60
"""The seconds by which the company's clock may be wrong."""
LONGEST_ID, LONGEST_ADDRESS = 191, 254
ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
KEPT = ("email", "name")
NAMES = ("name", "given_name", "family_name")
FOR_TOKENS = {"sig", None}
WRONG = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(RecursionError, StopIteration),
)
"""The errors of reading a response in which a part is missing or has the wrong type."""


class Provider(OpenIDConnectOAuth2Adapter):
    """A company that signs people in."""

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        """The addresses in the identity provider's discovery document.

        Raises `ValueError` for an address that isn't https: somebody else could read people's
        sign-ins and the site's secret there.
        """
        found = read_object(self.get_provider().server_url)
        if not all(is_private(found.get(name)) for name in ADDRESSES):
            words = "An address in the identity provider's discovery document isn't https."
            raise ValueError(words)
        return found

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Check the ID token, and return the sign-in of the person whom it names."""
        try:
            claims = self._read(kwargs["response"]["id_token"], request.GET["state"], app.client_id)
        except (*WRONG, jwt.PyJWTError) as error:
            raise OAuth2Error("The ID token isn't valid.") from error
        # What the company tells of a person stays there, except by what the person is found.
        known = {name: one for name in NAMES if is_text(one := claims.get(name))}
        known |= address_in(claims)
        proof = {name: claims.get(name) for name in ("sub", "email_verified")}
        login = self.get_provider().sociallogin_from_response(request, {"id_token": known | proof})
        login.account.extra_data = {name: known[name] for name in KEPT if name in known}
        return login

    def _read(self, text: str, state: str, client_id: str) -> dict[str, Any]:
        keys = jwt.PyJWKSet.from_dict(read_object(self.openid_config["jwks_uri"])).keys
        named = jwt.get_unverified_header(text)["kid"]
        key = next(one for one in keys if one.key_id == named and one.public_key_use in FOR_TOKENS)
        claims: dict[str, Any] = jwt.decode(
            text,
            key.key,
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=self.openid_config["issuer"],
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        if not constant_time_compare(str(claims.get("nonce")), nonce_of(state)):
            raise jwt.InvalidTokenError("The nonce belongs to another sign-in.")
        if not is_text(claims["sub"]) or len(claims["sub"]) > LONGEST_ID:
            raise jwt.InvalidTokenError("The person's id is empty or too long.")
        return claims


def read_object(address: str) -> dict[str, Any]:
    """Return the JSON object at an identity provider's address.

    Raises `ValueError` if the response isn't a JSON object.
    """
    with Bounded() as session:
        response = session.get(address)
    response.raise_for_status()
    found = response.json()
    if not isinstance(found, dict):
        words = "The identity provider's response isn't a JSON object."
        raise ValueError(words)  # noqa: TRY004 (as for no JSON)
    return found


def address_in(claims: dict[str, Any]) -> dict[str, str]:
    """Return the person's e-mail address under its name, or nothing if it isn't an address."""
    address = str(claims.get("email")) if is_text(claims.get("email")) else ""
    return {"email": address} if "@" in address and len(address) <= LONGEST_ADDRESS else {}


def nonce_of(state: str) -> str:
    """Return the nonce of a sign-in, which only this site can derive from the sign-in's state."""
    return salted_hmac("dashboard.company.oidc.nonce", state).hexdigest()


@never_cache
@require_POST
def sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the company, where the person signs in."""
    to = request.POST.get("next", "")
    to = to if is_here(request, to) else reverse("countersign:home")
    return leave(request, provider_id, to)


@in_time
def leave(request: HttpRequest, provider_id: str, to: str, *, link: str = "") -> HttpResponse:
    """Return a page that leads to the company.

    `link` is the key of the user who links a company account. A redirect wouldn't work: our content
    security policy forbids it after a form.
    """
    if Attempt.by(request, DOOR).is_over():
        return refuse(request, Refusal.TOO_MANY)
    provider = _find(request, provider_id).get_provider()
    provider.oauth2_adapter_class = Provider  # which checks where it leads
    state = token_urlsafe(24)
    try:
        there = provider.redirect(
            request,
            process=AuthProcess.LOGIN,
            next_url=to,
            data={"state": state, "link": link},
            auth_params={**provider.get_auth_params(), "nonce": nonce_of(state)},
        )
    except (RequestException, *WRONG):
        return refuse(request, Refusal.UNREACHABLE)
    context = {"url": there.url, "company": provider.name}
    return render(request, "dashboard/company/leaving.html", context)


@never_cache
@require_safe
@in_time
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in the person that the company's response names, or say why not."""
    if Attempt.by(request, DOOR).is_over():
        return refuse(request, Refusal.TOO_MANY)
    view = OAuth2CallbackView.adapter_view(_find(request, provider_id))
    try:
        response: HttpResponse = view(request)
    except RequestException:
        return refuse(request, Refusal.UNREACHABLE)
    except WRONG:  # an answer of the company without a part that it must have
        return refuse(request, Refusal.UNPROVEN)
    return response


def _find(request: HttpRequest, provider_id: str) -> Provider:
    if provider_id not in conf.OIDC_PROVIDERS:
        raise Http404
    return Provider(request, provider_id)

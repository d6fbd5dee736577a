"""Authentication in the API: by a token for programs, or by a session cookie in a browser."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthorizationError, HttpError
from ninja.security import APIKeyCookie, HttpBearer

from dashboard.api.scopes import check_scope
from dashboard.http.throttle import refuse_token
from dashboard.models import ApiToken
from procedures.access import address_of
from procedures.models.act import note_program
from procedures.users import User


class Token(HttpBearer):
    """Authentication by the header `Authorization: Bearer <token>`.

    Tokens come from the profile page or from `manage.py create_token`.
    """

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        found = ApiToken.find(token.strip())
        if found is None:
            refuse_token(address_of(request) or "")
            return None
        check_scope(request, found)
        found.note_use()
        request.user = found.user
        request.program = found.program  # type: ignore[attr-defined]
        request.token = found  # type: ignore[attr-defined]
        note_program(found.program)
        return found.user


class SignedInSession(APIKeyCookie):
    """Authentication by the session cookie; requests that change data also need X-CSRFToken."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Any:
        """Return None if nobody is signed in or the request has a token; the API then returns 401.

        Otherwise, Ninja would check the CSRF token first and return 403.
        """
        if "Authorization" in request.headers or not request.user.is_authenticated:
            return None
        return super().__call__(request)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user

    def _get_key(self, request: HttpRequest) -> str | None:
        try:
            return super()._get_key(request)
        except HttpError:
            words = "Send the value of the cookie csrftoken in the header X-CSRFToken."
            raise AuthorizationError(message=words) from None

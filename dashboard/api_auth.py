"""Who calls the API: a program with a token, or a person in a browser."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import APIKeyCookie

from dashboard.models import ApiToken


class TokenOrSession(APIKeyCookie):
    """`Authorization: Bearer <token>`, or the session's cookie with CSRF protection."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Any:
        """Calls without a token and without a session are 401 before any talk of CSRF."""
        if header := request.headers.get("Authorization"):
            return self._by_token(request, header)
        return super().__call__(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user

    def _by_token(self, request: HttpRequest, header: str) -> User | None:
        scheme, _, token = header.partition(" ")
        user = ApiToken.objects.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user:
            request.user = user
        return user

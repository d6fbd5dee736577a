"""Time zones: pages show times in the zone that the reader has chosen."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dashboard.http.addresses import is_of_api
from dashboard.models.preferences import preferences_of
from procedures.users import User


class TimeZoneMiddleware:
    """Middleware that renders a page in its reader's time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_page = not (is_of_api(request.path) or request.path.startswith(settings.STATIC_URL))
        user = request.user if is_page else None
        if not isinstance(user, User):
            return self._get_response(request)
        chosen = preferences_of(user)
        request.has_keys, zone = chosen.has_keys, chosen.zone  # type: ignore[attr-defined]
        if zone is None:
            return self._get_response(request)
        request.own_time_zone = zone.key  # type: ignore[attr-defined]
        with timezone.override(zone):
            return self._get_response(request)


def own_time_zone(request: HttpRequest) -> dict[str, Any]:
    """Return the chosen zone for templates, and True if single keys press buttons.

    If a zone is set, the browser isn't asked for its own.
    """
    zone, has_keys = getattr(request, "own_time_zone", None), getattr(request, "has_keys", False)
    return {"own_time_zone": zone, "has_keys": has_keys}

"""Time zones: pages show each reader times in the reader's own time zone."""

from collections.abc import Callable
from datetime import tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dashboard.http.addresses import is_of_api
from dashboard.models.preferences import preferences_for_page, preferences_of
from procedures.users import User

COOKIE = "countersign_time_zone"
"""The name of the cookie in which a script on the pages stores the browser's time zone."""


class TimeZoneMiddleware:
    """Middleware that renders a page in the time zone that its reader has chosen.

    If the reader has chosen none, the page is rendered in the browser's time zone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_of_api(request.path):  # who asks is known later, by the token
            request.find_time_zone = lambda: _zone_of(request)  # type: ignore[attr-defined]
            return self._get_response(request)
        user = None if request.path.startswith(settings.STATIC_URL) else request.user
        if not isinstance(user, User):
            return self._get_response(request)
        chosen, has_announcements = preferences_for_page(user)
        request.has_announcements = has_announcements  # type: ignore[attr-defined]
        request.dismissed = chosen.dismissed  # type: ignore[attr-defined]
        request.has_keys, zone = chosen.has_keys, chosen.zone  # type: ignore[attr-defined]
        request.detail = chosen.detail  # type: ignore[attr-defined]
        request.kept_filters = chosen.filters  # type: ignore[attr-defined]
        if zone:
            request.own_time_zone = zone.key  # type: ignore[attr-defined]
        with timezone.override(zone or browser_zone(request) or timezone.get_current_timezone()):
            return self._get_response(request)


def _zone_of(request: HttpRequest) -> tzinfo:
    user = request.user
    chosen = preferences_of(user).zone if isinstance(user, User) else None
    return chosen or browser_zone(request) or timezone.get_current_timezone()


def browser_zone(request: HttpRequest) -> ZoneInfo | None:
    """Return the browser's time zone, which a script has stored in a cookie, or None."""
    name = request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name and name in _known_zones() else None


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def own_time_zone(request: HttpRequest) -> dict[str, Any]:
    """Return the variables `own_time_zone` and `has_keys` for templates.

    `own_time_zone` is the time zone that the person has chosen, if any. Pages then don't need the
    browser's. `has_keys` is True if single-key shortcuts are on.
    """
    zone, has_keys = getattr(request, "own_time_zone", None), getattr(request, "has_keys", False)
    return {"own_time_zone": zone, "has_keys": has_keys}

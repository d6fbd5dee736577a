"""Announcements of the site, as a page shows them to its viewer."""

from datetime import datetime
from typing import Any, NamedTuple

from django import template
from django.http import HttpRequest
from django.utils.html import urlize
from django.utils.safestring import SafeString

from dashboard.models import Announcement
from dashboard.models.announcement import MOST_LISTED, MOST_SHOWN
from procedures.models.clock import clock

register = template.Library()
SOON = 3_600
"""The seconds after which a page looks again at the latest; browsers can't wait for months."""


class Announced(NamedTuple):
    """The announcements for one person, and the seconds until something appears or ends."""

    shown: list[Announcement]
    seconds: int | None


@register.simple_tag(takes_context=True)
def announced_to(context: Any) -> Announced:
    """Return what is announced now, without what the viewer has dismissed."""
    request = context["request"]
    if not getattr(request, "has_announcements", False):
        return Announced([], None)
    return announced_for(request)


def announced_for(request: HttpRequest) -> Announced:
    found, now = list(Announcement.objects.not_ended()[:MOST_LISTED]), clock.now()
    dismissed = set(getattr(request, "dismissed", ()))
    shown = [one for one in found if one.is_in_force(now) and one.key not in dismissed]
    changes = [one.next_change(now) for one in found]
    return Announced(shown[-MOST_SHOWN:], _seconds_until(min(changes), now) if changes else None)


def _seconds_until(at: datetime, now: datetime) -> int:
    # A second more than that, because the clocks of browsers and of the database differ a little.
    return min(int((at - now).total_seconds()) + 1, SOON)


@register.filter
def with_links(text: str) -> SafeString:
    """Render a plain text with its addresses as links, each written in full."""
    return SafeString(urlize(text, nofollow=True, autoescape=True))

"""Filters and tags for the templates of the inbox."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import HumanRequest
from dashboard.forms.snoozing import OFFERED
from dashboard.overview.names import outcome_name
from dashboard.overview.outlook import Outlook
from dashboard.overview.viewer import time_for_viewer
from dashboard.templatetags.pieces import moment

register = template.Library()
MOST_WORKING = 9


@register.filter
def is_one_of(key: Any, chosen: Any) -> bool:
    """Return True if a key equals the chosen key; `chosen` is None if nothing is chosen."""
    return bool(key == chosen)


@register.filter
def outcome_name_of(request: HumanRequest) -> str:
    """Return a request's outcome in words, such as "Approved", without loading the question."""
    return outcome_name(request.outcome)


@register.simple_tag
def snooze_times() -> list[tuple[str, Any]]:
    return list(OFFERED.items())


@register.simple_tag(takes_context=True)
def inbox_outlook(context: dict[str, Any]) -> SafeString:
    """Return sentences for an empty inbox: how many runs are in progress, and the next deadline."""
    outlook = Outlook(context["user"], time_for_viewer(context["request"]))
    count = len(outlook.working(MOST_WORKING + 1))
    shown = f"{MOST_WORKING}+" if count > MOST_WORKING else str(count)
    some = ngettext("{count} run is in progress.", "{count} runs are in progress.", count)
    working = some if count else _("Nothing is running now.")
    due = outlook.due_next(1)
    if not due:
        return format_html("{}", working.format(count=shown))
    words = _("The next wait with a deadline ends at {when}.")
    return format_html(f"{{}} {words}", working.format(count=shown), when=moment(due[0].at))

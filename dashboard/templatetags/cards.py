"""Tags for cards of runs, and for the counts of requests that wait for the viewer."""

from datetime import datetime
from typing import Any

from django import template
from django.template import Context

from chat.models import HumanRequest, Message
from dashboard.overview import card_overview
from dashboard.overview.addresses import path_to_message
from dashboard.overview.viewer import time_for_viewer, waiting_for_viewer
from procedures.models import Run
from procedures.models.clock import clock

register = template.Library()


@register.inclusion_tag("procedures/_run_card.html", takes_context=True)
def run_card(context: dict[str, Any], run: Run) -> dict[str, Any]:
    """Render the card of a run, from the transcript's `cards` if the context has them."""
    return context.get("cards", {}).get(run.pk) or card_overview(run)


@register.simple_tag(takes_context=True)
def waiting_counts(context: dict[str, Any]) -> dict[str, int]:
    """Return how many requests wait for the viewer, and in how many sessions.

    They are counted up to 100, which means "more than 99".
    """
    waiting = waiting_for_viewer(context["request"])
    return {"requests": len(waiting), "sessions": len(set(waiting.values()))}


@register.simple_tag(takes_context=True)
def due_state(context: Context, request: HumanRequest) -> str:
    """Return "late" for an overdue request, "soon" for one that is nearly so, else ""."""
    due, soon = request.needed_at, request.soon_at
    if due is None or soon is None:
        return ""
    now = _now(context)
    if due <= now:
        return "late"
    return "soon" if soon < now else ""


def _now(context: Context) -> datetime:
    """Return the page's current time, read once; without a page, the `now` of the context."""
    if page := getattr(context, "request", None):
        return time_for_viewer(page)
    return context.get("now") or clock.now()


@register.filter
def message_path(message: Message) -> str:
    """Return the address that opens the session at this message."""
    return path_to_message(message.session_id, message.pk)


@register.filter
def up_to(count: int, most: int) -> str:
    """Return a number to show, with a limit: `100|up_to:99` is "99+"."""
    return f"{most}+" if count > most else str(count)

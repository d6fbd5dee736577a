"""Tags for cards of runs, counts of waiting requests, and links to messages."""

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
    """Render the card of a run.

    The tag uses the `cards` of the context, which a transcript has read by the same queries for all
    cards. Without them, it reads this card.
    """
    return context.get("cards", {}).get(run.pk) or card_overview(run)


@register.simple_tag(takes_context=True)
def waiting_counts(context: dict[str, Any]) -> dict[str, int]:
    """Return how many requests wait for the viewer, and in how many sessions they are.

    At most 100 requests are counted; 100 means "more than 99".
    """
    waiting = waiting_for_viewer(context["request"])
    return {"requests": len(waiting), "sessions": len(set(waiting.values()))}


@register.simple_tag(takes_context=True)
def due_state(context: Context, request: HumanRequest) -> str:
    """Return "late" for a request after its deadline, "soon" shortly before it, else ""."""
    due, soon = request.needed_at, request.soon_at
    if due is None or soon is None:
        return ""
    now = _now(context)
    if due <= now:
        return "late"
    return "soon" if soon < now else ""


def _now(context: Context) -> datetime:
    """Return the current time, which is the same for the whole page.

    A context without a request, as in live frames, has it as `now`.
    """
    if page := getattr(context, "request", None):
        return time_for_viewer(page)
    return context.get("now") or clock.now()


@register.filter
def message_path(message: Message) -> str:
    """Return the address of the session's page that shows this message."""
    return path_to_message(message.session_id, message.pk)


@register.filter
def up_to(count: int, most: int) -> str:
    """Return a number as a text, limited to `most`: `100|up_to:99` is "99+"."""
    return f"{most}+" if count > most else str(count)

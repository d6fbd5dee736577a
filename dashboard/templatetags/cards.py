"""Tags for cards of runs, and for the numbers of requests that wait for the viewer."""

from datetime import datetime
from typing import Any

from django import template

from chat.models import HumanRequest
from chat.services import waiting_of
from dashboard.overview import card_overview
from procedures.models import Run
from procedures.models.clock import clock
from procedures.users import User

register = template.Library()


@register.inclusion_tag("procedures/_run_card.html")
def run_card(run: Run) -> dict[str, Any]:
    return card_overview(run)


@register.simple_tag(takes_context=True)
def waiting_counts(context: dict[str, Any]) -> dict[str, int]:
    """Return how many requests wait for the viewer, and in how many sessions.

    They are counted up to 100, which means "more than 99".
    """
    user, request = context["user"], context["request"]
    # Pages with marks have read it already, before their lists.
    if getattr(request, "waiting", None) is None:
        request.waiting = waiting_of(user) if isinstance(user, User) else {}
    waiting = request.waiting
    return {"requests": len(waiting), "sessions": len(set(waiting.values()))}


SOON = 0.25
"""The share of the time to answer below which a request is due soon."""


@register.filter
def due_of(request: HumanRequest) -> datetime | None:
    """Return the time by which people should answer, or at which nobody can any more."""
    return min((at for at in (request.due_at, request.wait.due_at) if at), default=None)


@register.filter
def due_state(request: HumanRequest) -> str:
    """Return "late" or "soon" for a request that is overdue or nearly so, else ""."""
    due, now = due_of(request), clock.now()
    if due is None:
        return ""
    if due <= now:
        return "late"
    return "soon" if due - now < SOON * (due - request.opened_at) else ""


@register.filter
def up_to(count: int, most: int) -> str:
    """Return a number as it is shown: `100|up_to:99` is "99+"."""
    return f"{most}+" if count > most else str(count)

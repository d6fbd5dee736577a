"""Tags for cards that templates render from an object alone."""

from typing import Any

from django import template

from chat.access import answerable_requests
from dashboard.overview import run_overview
from procedures.models import Run

register = template.Library()


@register.inclusion_tag("procedures/_run_card.html")
def run_card(run: Run) -> dict[str, Any]:
    return run_overview(run)


@register.simple_tag(takes_context=True)
def waiting_counts(context: dict[str, Any]) -> dict[str, int]:
    """Return how many requests wait for the viewer, and in how many sessions, with one query."""
    found = answerable_requests(context["user"]).values_list("session", flat=True)
    sessions = list(found)
    return {"requests": len(sessions), "sessions": len(set(sessions))}

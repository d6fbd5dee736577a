"""Tags for cards of runs, and for the numbers of requests that wait for the viewer."""

from typing import Any

from django import template

from chat.services import waiting_of
from dashboard.overview import card_overview
from procedures.models import Run
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
    user = context["user"]
    # Pages with marks have read it already, before their lists.
    waiting = getattr(context["request"], "waiting", None)
    if waiting is None:
        waiting = waiting_of(user) if isinstance(user, User) else {}
    return {"requests": len(waiting), "sessions": len(set(waiting.values()))}


@register.filter
def up_to(count: int, most: int) -> str:
    """Return a number as it is shown: `100|up_to:99` is "99+"."""
    return f"{most}+" if count > most else str(count)

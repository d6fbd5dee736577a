"""A tag of "Search or do…"."""

from django import template

from dashboard.overview.finds import MOST_SEARCHED

register = template.Library()


@register.simple_tag
def most_searched() -> int:
    """Return how many requests, runs and sessions a search looks at."""
    return MOST_SEARCHED

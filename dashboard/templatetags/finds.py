"""A tag for "Search or do…"."""

from django import template

from dashboard.overview.finds import MOST_SEARCHED

register = template.Library()


@register.simple_tag
def most_searched() -> int:
    """Return the maximum number of requests, runs and sessions that a search reads of each kind."""
    return MOST_SEARCHED

"""A tag for the dialog "Search or do…"."""

from django import template

from dashboard.overview.finds import MOST_SEARCHED

register = template.Library()


@register.simple_tag
def most_searched() -> int:
    """Return the maximum number of rows of each kind, such as runs, that a search reads."""
    return MOST_SEARCHED

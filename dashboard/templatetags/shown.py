"""How templates show what is kept of runs and people."""

from django import template

from procedures.models import Event
from procedures.overview import Line, line_of
from procedures.overview.words import initials as two_letters

register = template.Library()


@register.filter
def line(event: Event) -> Line:
    """A line of the journal in words."""
    return line_of(event)


@register.filter
def initials(name: str) -> str:
    return two_letters(name)

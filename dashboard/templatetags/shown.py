"""Filters that show data of runs, names of groups, and titles of sessions."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.overview import JournalLine, line_of
from dashboard.overview.names import level_name, look_name, outcome_name
from dashboard.overview.words import format_size, listed, short_id, unbroken
from dashboard.overview.words import initials as two_letters
from procedures.holdings import holdings_of
from procedures.models import Event, Grant
from procedures.users import User

register = template.Library()


@register.filter
def line(event: Event) -> JournalLine:
    """Return the line of text that describes an event of a journal."""
    return line_of(event)


register.filter(short_id)
register.filter("closing_words", outcome_name)
register.filter("level_words", level_name)
register.filter("look_words", look_name)


@register.filter
def group_names(grants: Iterable[Grant]) -> str:
    """Return the names of the groups that these grants belong to, such as "Finance and Support"."""
    names = [grant.group.name for grant in grants]
    return listed(name[:1].upper() + name[1:] for name in names)


@register.filter
def names_of_groups(user: User) -> list[str]:
    """Return the names of a user's groups, without a query if the rights were read before."""
    return sorted(holdings_of(user).groups.values())


@register.filter
def initials(name: str) -> str:
    return two_letters(name)


@register.filter
def size(count: int) -> str:
    """Return a number of bytes in words, such as "12 KB"."""
    return format_size(count)


@register.filter
def title_parts(title: str) -> tuple[str, str]:
    """Split a session's title at " · " into its subject and the detail that makes it unique."""
    about, _, detail = title.partition(" · ")
    return about, detail


@register.filter
def whole_title(title: str) -> SafeString:
    """Return a session's title as HTML; its subject and its detail each have a text direction."""
    about, detail = title_parts(unbroken(title))
    if not detail:
        return format_html("<bdi>{}</bdi>", about)
    return format_html("<bdi>{}</bdi>\N{NO-BREAK SPACE}· <bdi>{}</bdi>", about, detail)


@register.filter
def first_line(doc: str) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(doc.partition("\n\n")[0].split())


@register.filter
def value_of(values: Mapping[Any, Any], key: object) -> Any:
    return values.get(key)

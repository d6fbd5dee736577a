"""Markdown that people or programs wrote, rendered as safe HTML."""

import nh3
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()
SWELLS, LEAST = 6, 2_000
"""The most characters of HTML per character of Markdown, and the number always allowed.

A table of empty cells, for example, has hundreds per character.
"""
parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)
TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}


@register.filter
def markdown(text: str) -> SafeString:
    """Return safe HTML without pictures; a text whose HTML would be huge is shown as it is."""
    drawn = parser.render(text)
    if len(drawn) > SWELLS * len(text) + LEAST:
        return format_html("<pre>{}</pre>", text)
    clean = nh3.clean(drawn, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https"})
    return mark_safe(clean)  # noqa: S308 (cleaned)

"""Markdown by people, as harmless HTML."""

import nh3
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()
SWELLS, LEAST = 6, 2_000
"""Characters of HTML per character of text; a table of empty cells makes hundreds."""
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
    """Return safe HTML without pictures; text that would swell is shown as it is."""
    drawn = parser.render(text)
    if len(drawn) > SWELLS * len(text) + LEAST:
        return format_html("<pre>{}</pre>", text)
    clean = nh3.clean(drawn, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https"})
    return mark_safe(clean)  # noqa: S308 (cleaned)

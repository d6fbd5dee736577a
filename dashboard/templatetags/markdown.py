"""Markdown by people or programs, rendered as safe HTML."""

from collections.abc import Sequence
from typing import Any

import nh3
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from procedures.library import OUTSIDE
from procedures.models import Run

register = template.Library()
SWELLS, LEAST = 6, 2_000
"""The limits on the length of HTML: a multiple of the Markdown's length, and an allowance added.

Without a limit, a table of empty cells could become hundreds of times as long.
"""
TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td", "bdi"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "bdi": {"class", "data-person"},  # the chip of a mention
    "li": {"value"},
    "ol": {"start"},
    "td": {"data-align"},
    "th": {"data-align"},
}
SCROLLING = '<pre class="scrolls" tabindex="0">'
"""The start tag of code that may be wider than the page: people scroll it by keyboard, too."""
SCROLLED = {
    "<pre>": SCROLLING,
    "<table>": '<div class="prose__frame scrolls" tabindex="0"><table>',
    "</table>": "</table></div>",
}
"""The tags of elements that may be wider than the page, and what takes their place."""


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False})
    for name in ("th_open", "td_open"):
        made.add_render_rule(name, open_cell)
    return made.enable(["table", "strikethrough"])


def open_cell(renderer: Any, tokens: Sequence[Token], at: int, *options: Any) -> str:
    """Return the start tag of a cell, whose alignment is no inline style, which the CSP forbids."""
    if style := str(tokens[at].attrs.pop("style", "")):
        tokens[at].attrSet("data-align", style.partition(":")[2])
    return str(renderer.renderToken(tokens, at, *options))


def _close_link(_: Any, tokens: Sequence[Token], at: int, *_options: Any) -> str:
    """Return the end tag of a link, followed by the address to which the link leads."""
    before = reversed(tokens[:at])
    opened = next(one for one in before if one.type == "link_open")  # links hold no links
    if opened.info == "auto":
        return "</a>"
    return f"</a> <code>({escapeHtml(str(opened.attrs.get('href', '')))})</code>"


parser, frank_parser = _parser(), _parser()
frank_parser.add_render_rule("link_close", _close_link)


@register.filter
def markdown(text: str) -> SafeString:
    """Return Markdown as safe HTML without pictures; a text with too much HTML stays plain."""
    return safe_html(text, parser.render(text))


@register.filter
def body_markdown(text: str, run: Run) -> SafeString:
    """Return a request's body like `markdown`.

    A body that an external program wrote also shows the address of each link.
    """
    reader = frank_parser if run.procedure.name in OUTSIDE else parser
    return safe_html(text, reader.render(text))


def safe_html(text: str, drawn: str) -> SafeString:
    """Return the HTML that was drawn from a text, without any elements that could do harm.

    If the HTML is far too long, return the plain text instead.
    """
    if len(drawn) > SWELLS * len(text) + LEAST:
        return format_html(f"{SCROLLING}{{}}</pre>", text)
    clean = nh3.clean(drawn, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https"})
    for tag, scrolled in SCROLLED.items():
        clean = clean.replace(tag, scrolled)
    return mark_safe(clean)  # noqa: S308 (cleaned)

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
"""The limit on the length of HTML: SWELLS times the length of the Markdown, plus LEAST.

Without a limit, a table of empty cells could become hundreds of times as long as its text.
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
"""The start tag of a block of code, which scrolls if it is too wide, also by keyboard."""
SCROLLED = {
    "<pre>": SCROLLING,
    "<table>": '<div class="prose__frame scrolls" tabindex="0"><table>',
    "</table>": "</table></div>",
}
"""Tags of elements that may be too wide, and the tags that replace them to make them scroll."""


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False})
    for name in ("th_open", "td_open"):
        made.add_render_rule(name, open_cell)
    return made.enable(["table", "strikethrough"])


def open_cell(renderer: Any, tokens: Sequence[Token], at: int, *options: Any) -> str:
    """Return the start tag of a table's cell.

    The attribute `data-align` contains the alignment, because the CSP forbids inline styles.
    """
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
    """Return Markdown as safe HTML without pictures.

    If the HTML would be too long, return the Markdown as plain text.
    """
    return safe_html(text, parser.render(text))


@register.filter
def body_markdown(text: str, run: Run) -> SafeString:
    """Return a request's body, which is Markdown, as safe HTML without pictures.

    If an external program wrote the body, the address of each link is shown beside the link.
    """
    reader = frank_parser if run.procedure.name in OUTSIDE else parser
    return safe_html(text, reader.render(text))


def safe_html(text: str, drawn: str) -> SafeString:
    """Return HTML that was made from a text, without elements that could do harm.

    If the HTML is longer than its limit, return the text itself, escaped.
    """
    if len(drawn) > SWELLS * len(text) + LEAST:
        return format_html(f"{SCROLLING}{{}}</pre>", text)
    clean = nh3.clean(drawn, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https"})
    for tag, scrolled in SCROLLED.items():
        clean = clean.replace(tag, scrolled)
    return mark_safe(clean)  # noqa: S308 (cleaned)

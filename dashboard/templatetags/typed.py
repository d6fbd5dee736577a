"""The text of a person's message as HTML, with links, code, lists, tables and mentions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import list_block as read_list
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize as read_emphasis
from markdown_it.token import Token

from chat.mentions import spans_of
from chat.models import Message
from chat.typed import is_marked, point_of
from dashboard.templatetags.markdown import open_cell, safe_html

register = template.Library()
Names = Mapping[str, object]
"""The people whom a text mentions: the user's key by the name that the text contains."""
BOLD = 2
IN_LINK = "in_link"


@register.filter
def typed_html(text: str, message: Message) -> SafeString:
    """Return a text as HTML: addresses become links, and mentions become chips.

    In a message by a person, marks become code, lists, tables, bold words and links. A text without
    marks keeps its lines as they were typed.
    """
    names = {name: key for key, name in message.mentions}
    if message.kind != Message.Kind.PERSON or not is_marked(text):
        # The text is escaped already, so the filter only adds the breaks of lines.
        return linebreaksbr(mark_safe(_with_mentions(text, names)))  # noqa: S308 (escaped)
    html = safe_html(text, parser.render(text, {"names": names}))
    return format_html('<div class="prose">{}</div>', html)


def _with_mentions(text: str, names: Names) -> str:
    """Return a text as escaped HTML, with each mention as a chip."""
    parts, reached = list[str](), 0
    for begin, end, name in spans_of(text, names.keys()):
        chip = '<bdi class="mention" data-person="{}">@{}</bdi>'
        parts += [_linked(text[reached:begin]), format_html(chip, names[name], name)]
        reached = end
    return "".join([*parts, _linked(text[reached:])])


def _linked(text: str) -> str:
    return str(urlize(text, nofollow=True, autoescape=True))


def _list(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 (its API)
    """Read a list of at least two items; a single line such as "- 5" stays as it was typed."""
    after = (_line(state, one) for one in range(line + 1, end))
    before = (_line(state, one) for one in range(line - 1, -1, -1))
    first = _line(state, line)
    is_list = bool(point_of(first.strip())) and (_goes_on(first, after) or _goes_on(first, before))
    return is_list and read_list(state, line, end, silent)


def _goes_on(first: str, lines: Iterable[str]) -> bool:
    """Return True if another item of the list follows in these lines.

    Indented lines belong to the item `first`, and are skipped.
    """
    inner = len(first) - len(first.lstrip()) + 2
    following = (one for one in lines if one.strip() and len(one) - len(one.lstrip()) < inner)
    return point_of(next(following, "").strip()) == point_of(first.strip())


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] : state.eMarks[line]]


def _bold(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (its API)
    """Read two asterisks as the beginning or end of bold words, if they are at the edge of a word.

    All other asterisks stay as they were typed.
    """
    at = state.pos
    if state.src[at] != "*" or (at and state.src[at - 1] == "*"):
        return False
    found = state.scanDelims(at, False)  # noqa: FBT003 (its API)
    is_mark = found.length == BOLD and (found.can_open or found.can_close)
    return is_mark and read_emphasis(state, silent)


def _note_links(state: StateCore) -> None:
    """Mark the texts that are inside links, so that no further link is made inside them."""
    for inline in state.tokens:
        is_inside = False
        for token in inline.children or ():
            is_inside = token.type == "link_open" or (is_inside and token.type != "link_close")
            if is_inside:
                token.meta[IN_LINK] = True


def _draw_text(_: Any, tokens: Sequence[Token], at: int, _options: Any, env: Any) -> str:
    """Return a piece of text as HTML, with links and chips unless the piece is in a link."""
    if IN_LINK in tokens[at].meta:
        return escapeHtml(tokens[at].content)
    return _with_mentions(tokens[at].content, env["names"])


def _close_link(_: Any, tokens: Sequence[Token], at: int, *_options: Any) -> str:
    """Return the end tag of a link, followed by the host to which the link leads."""
    opened = next(one for one in reversed(tokens[:at]) if one.type == "link_open")
    address = str(opened.attrs.get("href", ""))
    return f"</a> <code>({escapeHtml(urlsplit(address).hostname or address)})</code>"


def _open_item(_: Any, tokens: Sequence[Token], at: int, *_options: Any) -> str:
    """Return the start tag of a list's item, with the number that the person has typed."""
    number = tokens[at].info
    return f'<li value="{escapeHtml(number)}">' if number.isdecimal() else "<li>"


class _Typed(MarkdownIt):
    """A Markdown parser that allows only links to web sites and to pages of this site."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 (its API)
        return url.startswith(("http://", "https://", "/"))


def _parser() -> MarkdownIt:
    made = _Typed("zero", {"breaks": True})
    made.enable(["fence", "table", "list", "backticks", "emphasis", "link", "newline"])
    made.block.ruler.at("list", _list, {"alt": ["paragraph"]})
    made.inline.ruler.at("emphasis", _bold)
    made.core.ruler.push("note_links", _note_links)
    for name, draw in (
        ("text", _draw_text),
        ("link_close", _close_link),
        ("list_item_open", _open_item),
        ("th_open", open_cell),
        ("td_open", open_cell),
    ):
        made.add_render_rule(name, draw)
    return made


parser = _parser()

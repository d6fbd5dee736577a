"""Tags for the smallest parts of pages: times, icons, sentences and states.

A list has hundreds of such parts, and Python renders them faster than templates would.
"""

from datetime import datetime
from functools import lru_cache
from html import escape as escaped

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.dateformat import format as format_time
from django.utils.dates import MONTHS_3
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.overview import State, words
from dashboard.overview.words import Sentence, Style

register = template.Library()
FORMATS = {
    "seconds": "H:i:s T",
    "axis": "H:i",
    "axis-seconds": "H:i:s",
    "age": "j M Y, H:i T",
    "full": "j M Y, H:i T",
}
"""Formats of times by their names in local-time.js; all other names have "j M H:i T"."""


@register.simple_tag
def moment(at: datetime | None, show: str = "clock") -> SafeString:
    """Render a time; local-time.js shows it in the viewer's time zone, in the form `show`.

    If `at` is None, render nothing.
    """
    if not at:
        return SafeString()
    own = localtime(at)
    text = format_time(own, FORMATS[show]) if show in FORMATS else _clock(own)
    time = f'<time datetime="{own.isoformat()}">{escaped(text)}</time>'
    return mark_safe(f'<local-time show="{escaped(show)}">{time}</local-time>')  # noqa: S308


def _clock(own: datetime) -> str:
    """Return what Django's format "j M H:i T" gives, but with a fifth of the function calls."""
    month = _short_month(own.month, get_language())
    return f"{own.day} {month} {own.hour:02}:{own.minute:02} {own.tzname()}"


@lru_cache(maxsize=256)
def _short_month(month: int, _language: str | None) -> str:
    return MONTHS_3[month].title()


@register.simple_tag
def icon(name: str) -> SafeString:
    return _symbol("icon", "icons.svg", name, settings.STATIC_URL)


@register.simple_tag
def copy_link(href: str) -> SafeString:
    """Render a link; copy-link.js makes it a button that copies the address of the link."""
    label = _("Copy link")
    html = '<copy-link class="copy-link"><a href="{}" aria-label="{}" title="{}">{}</a></copy-link>'
    return format_html(html, href, label, label, icon("link"))


@register.simple_tag
def glyph(look: str) -> SafeString:
    """Render the symbol of a look, such as "done"."""
    return _symbol("glyph", "states.svg", look, settings.STATIC_URL)


@lru_cache(maxsize=256)
def _symbol(component: str, file: str, name: str, base: str) -> SafeString:
    # A page has dozens of symbols, and Django parses the address of the file anew for each. `base`
    # is a part of that address, which a site may change.
    look = format_html(' data-look="{}"', name) if component == "glyph" else ""
    return format_html(
        '<svg class="{}"{} aria-hidden="true"><use href="{}#{}"/></svg>',
        *(component, look, static(f"dashboard/{file}"), name),
    )


@register.filter
def styled(sentence: Sentence) -> SafeString:
    """Render a sentence as HTML, with each part in its style."""
    language = get_language()
    parts = [
        moment(one.at, one.show) if one.at else _styled(one.text, one.style, one.is_value, language)
        for one in sentence.parts
    ]
    return mark_safe("".join(parts))  # noqa: S308 (its parts are escaped)


@lru_cache(maxsize=2048)
def _styled(text: str, style: Style, is_value: bool, _language: str | None) -> str:  # noqa: FBT001
    """Return a text as HTML; results are cached, because the rows of a list share most texts.

    The language of the page decides if the direction of a value is foreign, so it's a part of the
    cache's key.
    """
    html = escaped(words.unbroken(text))
    if is_value:
        html = isolated(mark_safe(html))  # noqa: S308 (is escaped)
    match style:
        case "strong":
            return f"<strong>{html}</strong>"
        case "code":
            return f"<code>{html}</code>"
    return html


@register.filter
def isolated(text: str) -> SafeString:
    """Render a value in a sentence so that its text direction doesn't affect the sentence.

    Values are names, prompts and other texts by people or programs.
    """
    escaped = conditional_escape(text)
    return format_html("<bdi>{}</bdi>", escaped) if words.is_foreign(escaped) else escaped


@register.filter
def unbroken(text: object) -> str:
    """Return a text with non-breaking spaces between numbers and their units."""
    return words.unbroken(str(text))


@register.simple_tag
def state(state: State, *, is_mine: bool = False) -> SafeString:
    """Render a state: a symbol and words.

    If `is_mine`, the words say that the run waits for the viewer.
    """
    shown = escaped(_("Waiting for you")) if is_mine else styled(state.words)
    html = f'data-look="{state.look}">{glyph(state.look)}<span>{shown}</span>'
    return mark_safe(f'<span class="state" {html}</span>')  # noqa: S308 (is escaped)


@register.simple_block_tag
def piece(content: str) -> str:
    """Put the output of the block into a variable: `{% piece as values %}…{% endpiece %}`."""
    return content

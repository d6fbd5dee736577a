"""The text of a message, with links and the people it mentions."""

from django import template
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

from chat.mentions import spans_of
from chat.models import Message

register = template.Library()


@register.filter
def with_mentions(text: str, message: Message) -> SafeString:
    """Return a text as HTML: addresses are links, and mentions are chips."""
    keys = {name: key for key, name in message.mentions}
    parts, reached = list[str](), 0
    for begin, end, name in spans_of(text, keys):
        chip = '<bdi class="mention" data-person="{}">@{}</bdi>'
        parts += [_linked(text[reached:begin]), format_html(chip, keys[name], name)]
        reached = end
    return mark_safe("".join([*parts, _linked(text[reached:])]))  # noqa: S308 (each part is escaped)


def _linked(text: str) -> str:
    return str(urlize(text, nofollow=True, autoescape=True))

"""A template backend that shows invisible and direction-changing characters as codes."""

import re
from typing import Any

from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates, Template
from django.utils.safestring import SafeString, mark_safe

from procedures.engine.values.visible import visible

HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufeff\uffa0\ufff9-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
    r"\U000f0000-\U0010ffff]"
)
"""The characters that `visible` may replace by codes. A page without any of them isn't changed."""
NO_TEXT = re.compile(r"(<textarea\b.*?</textarea>|<[^>]*>)", re.DOTALL)
"""The parts of a page that stay unchanged: tags, and text areas, whose texts people edit."""
SPOKEN = re.compile(r"""(\s(?:title|aria-label|placeholder|alt)=)("[^"]*"|'[^']*')""")
"""Attributes whose values browsers show or read aloud.

Characters in these values are replaced, too.
"""


class VisibleTemplates(DjangoTemplates):
    """Django's template backend, which shows invisible and direction-changing characters as codes.

    All pages, partials and the admin use this backend, so no template has to replace characters
    itself.
    """

    def from_string(self, template_code: str) -> "VisibleTemplate":
        return VisibleTemplate.of(super().from_string(template_code))

    def get_template(self, template_name: str) -> "VisibleTemplate":
        return VisibleTemplate.of(super().get_template(template_name))


class VisibleTemplate(Template):
    """A template of `VisibleTemplates`."""

    @classmethod
    def of(cls, template: Template) -> "VisibleTemplate":
        return cls(template.template, template.backend)

    def render(
        self, context: dict[str, Any] | None = None, request: HttpRequest | None = None
    ) -> SafeString:
        return mark_safe(in_page(super().render(context, request)))  # noqa: S308 (was rendered)


def in_page(html: str) -> str:
    """Return a page in which codes replace hidden characters of texts.

    Values of form fields stay the same.
    """
    # The usual page has none and is not taken apart.
    if not HIDDEN.search(html):
        return html
    parts = NO_TEXT.split(html)
    # `split` with a group gives texts and tags in turn.
    parts[::2] = map(_text, parts[::2])
    parts[1::2] = map(_tag, parts[1::2])
    return "".join(parts)


def _text(text: str) -> str:
    if not HIDDEN.search(text):
        return text
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))  # as browsers read them


def _tag(tag: str) -> str:
    if tag.startswith("<textarea"):
        return tag
    return SPOKEN.sub(lambda found: found[1] + _text(found[2]), tag)

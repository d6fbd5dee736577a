"""Values of rows, as HTML."""

import json

from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dashboard.admin.addresses import row_address
from dashboard.admin.viewer import may_look_at

SHORT, LONGEST = 600, 100_000
"""The number of characters above which a JSON text is collapsed, and above which it is cut."""


def link(row: Model | None) -> SafeString | str:
    """Return a link to a row's page in the admin, or its name if the viewer may not see it."""
    if row is None or not may_look_at(type(row)):
        return "-" if row is None else str(row)
    return format_html('<a href="{}">{}</a>', row_address(row), row)


def readable(text: str | None) -> SafeString | str:
    """Return a JSON text as indented HTML; long texts are collapsed, and very long ones are cut."""
    if not text:
        return "-"
    lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return folded(lines)


def folded(text: str) -> SafeString:
    shown = text[:LONGEST]
    if len(text) <= SHORT:
        return format_html('<pre tabindex="0">{}</pre>', shown)
    size = _("{count} characters")
    if len(text) > LONGEST:
        size = _("{count} characters, of which the first {most} are shown")
    size = size.format(count=f"{len(text):,}", most=f"{LONGEST:,}")
    whole = '<details><summary>{}</summary><pre tabindex="0">{}</pre></details>'
    return format_html(whole, size, shown)

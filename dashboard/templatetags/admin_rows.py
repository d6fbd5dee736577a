"""The rows of the admin's lists, in which each cell carries the name of its column."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from django import template
from django.contrib import admin
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()
CHECKBOX = '<td class="action-checkbox"'


@register.simple_tag
def column_names(headers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the columns, translated and escaped.

    Call this once for all rows, because translating takes time.
    """
    return [escape(capfirst(head["text"])) for head in headers]


@register.simple_tag
def named_cells(row: Iterable[str], names: Iterable[str]) -> SafeString:
    """Return the cells of a row, each with the name of its column, and marked if it is empty.

    The checkbox has no name.
    """
    empty = f">{escape(admin.site.empty_value_display)}</td>"
    cells = (_named(cell, name, empty) for cell, name in zip(row, names, strict=False))
    return mark_safe("".join(cells))  # noqa: S308 (Django's cells, and a name that is escaped)


def _named(cell: str, name: str, empty: str) -> str:
    if cell.startswith(CHECKBOX):
        return cell
    mark = " data-empty" if cell.endswith(empty) else ""
    start = len("<td")
    return f'{cell[:start]} data-label="{name}"{mark}{cell[start:]}'

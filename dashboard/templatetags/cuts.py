"""Filters that cut long texts and large values to the limits defined in `overview/cuts.py`."""

from typing import Any

from django import template

from chat.changes import kept_edits, lines_of
from chat.models import HumanResponse
from dashboard.overview.cuts import ROOMS, CutText, CutValue, cut_changes, cut_text, cut_value
from procedures.engine.kinds.questions import Question

register = template.Library()


@register.filter
def part(text: object, room: str) -> CutText:
    """Return the beginning of a text, cut to the limits that `room` names in `cuts.ROOMS`.

    Example: `{% with cut=text|part:"words" %}`.
    """
    return cut_text("" if text is None else str(text), ROOMS[room])


@register.filter
def part_of_value(value: Any, room: str) -> CutValue:
    return cut_value(value, ROOMS[room])


@register.simple_tag
def changed_lines(response: HumanResponse, asked: Question, room: str) -> dict[str, Any]:
    """Return the changed lines of an edited text and lines around them, and the number left out."""
    old, new = asked.draft or "", response.plain_value["text"]
    lines = list(lines_of(old, new, kept_edits(response.changes, old, new)))
    shown, left_out = cut_changes(lines, ROOMS[room])
    return {"lines": shown, "left_out": left_out}

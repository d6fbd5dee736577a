"""Filters that cut long texts and large values to the limits defined in `overview/cuts.py`."""

from collections.abc import Sequence
from typing import Any

from django import template

from chat.changes import Line, kept_edits, lines_of
from chat.models import HumanResponse
from dashboard.overview.cuts import ROOMS, CutText, CutValue, Room, cut_text, cut_value
from procedures.engine.kinds.questions import Question

register = template.Library()
AROUND = 3
"""The number of unchanged lines shown before and after a changed line."""


@register.filter
def part(text: object, room: str) -> CutText:
    """Truncate text to the `Room` of that name: `{% with shown=text|part:"words" %}`."""
    return cut_text("" if text is None else str(text), ROOMS[room])


@register.filter
def part_of_value(value: Any, room: str) -> CutValue:
    return cut_value(value, ROOMS[room])


@register.simple_tag
def changed_lines(response: HumanResponse, asked: Question, room: str) -> dict[str, Any]:
    """Return the lines around the changes of an edited text, and the number of lines left out."""
    old, new = asked.draft or "", response.plain_value["text"]
    lines = list(lines_of(old, new, kept_edits(response.changes, old, new)))
    is_short = len(lines) <= ROOMS[room].lines
    near = range(len(lines)) if is_short else _near_changes(lines)
    shown = _within(lines, near, ROOMS[room])
    left_out = len(lines) - len(shown)
    return {"lines": shown, "left_out": left_out, "told": f"{left_out:,}."}


def _near_changes(lines: Sequence[Line]) -> list[int]:
    """Return the positions of changed lines and of the `AROUND` lines on either side."""
    changed = [place for place, (kind, _) in enumerate(lines) if kind != "kept"]
    near = {place for at in changed for place in range(at - AROUND, at + AROUND + 1)}
    return sorted(near & set(range(len(lines))))


def _within(lines: Sequence[Line], places: Sequence[int], room: Room) -> list[Line]:
    left, shown = room.characters, list[Line]()
    for place in places[: room.lines]:
        kind, line = lines[place]
        if left <= 0:
            break
        found = cut_text(line, Room(min(left, room.cell)))
        shown.append((kind, str(found)))
        left -= len(found.text) + 1
    return shown

"""Functions that shorten long texts and large values; a note says that something was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from chat.changes import Line

DEEPEST = 8
"""The number of levels of nested values that are shown."""
LONGEST_KEY = 100
MORE = "…"
AROUND = 3
"""The number of unchanged lines shown before and after a changed line."""


@dataclass(frozen=True)
class SizeLimits:
    """The limits on the size of a text or value that a page shows."""

    characters: int
    lines: int = 1
    parts: int = 1
    """The maximum number of values inside a value."""
    cell: int = 1_000
    """The maximum number of characters of each text inside a value."""


LINE = SizeLimits(120)
LABEL = SizeLimits(200)
PROMPT = SizeLimits(1_000, lines=20)
WORDS = SizeLimits(2_000, lines=40)
"""The limits for a text that a person wrote, such as an answer or a comment."""
MESSAGE = SizeLimits(4_000, lines=80)
TEXT = SizeLimits(20_000, lines=400)
"""The limits for a text that a step wrote, in the chat and on the page of its run."""
CARD = SizeLimits(3_000, lines=60, parts=150, cell=500)
"""The limits for a value on a card; a page shows many cards."""
PAGE = SizeLimits(20_000, lines=400, parts=600, cell=2_000)
"""The limits for a value on a page that is about a single run or request."""
RAW = SizeLimits(600, parts=60, cell=200)
"""The limits for a value as JSON on a page that shows many such values."""
ROOMS = {
    "line": LINE,
    "label": LABEL,
    "prompt": PROMPT,
    "words": WORDS,
    "message": MESSAGE,
    "text": TEXT,
    "card": CARD,
    "page": PAGE,
    "raw": RAW,
}


@dataclass(frozen=True)
class CutText:
    """The beginning of a text, and the number of characters left out."""

    text: str
    left_out: int = 0

    def __str__(self) -> str:
        return f"{self.text.rstrip()}{MORE}" if self.left_out else self.text


@dataclass(frozen=True)
class CutValue:
    """A value without the parts that exceed the limits."""

    value: Any
    note: str = ""
    """A note that only a part of the value is shown; "" if it is complete."""


def cut_text(text: str, room: SizeLimits) -> CutText:
    """Return the beginning of a text, within the limits on characters and lines."""
    end, place = min(len(text), room.characters), -1
    for _line in range(room.lines):
        place = text.find("\n", place + 1, end)
        if place < 0:
            break
    else:
        end = place
    return CutText(text[:end], len(text) - end)


def cut_value(value: Any, room: SizeLimits) -> CutValue:
    """Return the part of a JSON value that fits the limits; lists are cut only between entries."""
    cutter = _Cutter(room)
    found = cutter.cut(value, 0)
    if not cutter.has_cut:
        return CutValue(found)
    if isinstance(value, dict | list) and len(found) < len(value):
        words = _("These are the first {count} of {all} entries.")
        if isinstance(value, dict):
            words = _("These are the first {count} of {all} values.")
        return CutValue(found, words.format(count=f"{len(found):,}", all=f"{len(value):,}"))
    return CutValue(
        found, _("Only a part is shown: long texts and deeply nested values are shortened.")
    )


def cut_changes(lines: Sequence[Line], room: SizeLimits) -> tuple[list[Line], int]:
    """Return the changed lines with unchanged lines around them, and the number left out."""
    near = range(len(lines)) if len(lines) <= room.lines else _near_changes(lines)
    shown = _within(lines, near, room)
    return shown, len(lines) - len(shown)


def _near_changes(lines: Sequence[Line]) -> list[int]:
    """Return the indexes of changed lines, and those of `AROUND` lines before and after each."""
    changed = [place for place, (kind, _) in enumerate(lines) if kind != "kept"]
    near = {place for at in changed for place in range(at - AROUND, at + AROUND + 1)}
    return sorted(near & set(range(len(lines))))


def _within(lines: Sequence[Line], places: Sequence[int], room: SizeLimits) -> list[Line]:
    left, shown = room.characters, list[Line]()
    for place in places[: room.lines]:
        kind, line = lines[place]
        if left <= 0:
            break
        found = cut_text(line, SizeLimits(min(left, room.cell)))
        shown.append((kind, str(found)))
        left -= len(found.text) + 1
    return shown


class _Cutter:
    """A helper that shortens one value, and counts down the characters and parts still allowed."""

    def __init__(self, room: SizeLimits) -> None:
        self._room = room
        self._characters, self._parts = room.characters, room.parts
        self.has_cut = False

    @property
    def _is_full(self) -> bool:
        return self._parts <= 0 or self._characters <= 0

    def cut(self, value: Any, depth: int) -> Any:
        self._parts -= 1
        if isinstance(value, str):
            return self._text(value, self._room.cell)
        if not isinstance(value, dict | list) or not value:
            self._characters -= len(str(value))
            return value
        if depth >= DEEPEST:
            self.has_cut = True
            return MORE
        return self._dict(value, depth) if isinstance(value, dict) else self._list(value, depth)

    def _dict(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, one in value.items():
            if self._is_full:
                self.has_cut = True
                break
            kept[self._name(name, kept)] = self.cut(one, depth + 1)
        return kept

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        """Shorten a list.

        An entry that doesn't fit is left out. Shortened, it would look like a complete entry.
        """
        kept: list[Any] = []
        for one in value:
            found = None if self._is_full else self.cut(one, depth + 1)
            is_torn = self._is_full and isinstance(one, dict | list) and bool(kept)
            if (found is None and one is not None) or is_torn:
                self.has_cut = True
                break
            kept.append(found)
        return kept

    def _name(self, name: str, kept: Mapping[str, Any]) -> str:
        short = self._text(name, LONGEST_KEY)
        return short if short not in kept else f"{short} {len(kept) + 1}"

    def _text(self, text: str, most: int) -> str:
        most = min(most, max(self._characters, 1))
        self._characters -= min(len(text), most)
        if len(text) <= most:
            return text
        self.has_cut = True
        return f"{text[:most]}{MORE}"

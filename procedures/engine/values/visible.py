"""Display of untrusted text: characters that hide, reorder or imitate text become codes."""

import unicodedata

HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Invisible characters whose Unicode category isn't in `HIDDEN`."""
JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiners: correct in Persian and in emoji, but suspicious between ASCII characters."""
MARKS = frozenset("\u061c\u200e\u200f")
"""Direction marks.

A text with right-to-left letters keeps them, because they are harmless there.
"""
RIGHT_TO_LEFT = {"R", "AL"}
LINES = frozenset("\n\t")


def visible(text: str) -> str:
    """Return the text with codes for characters that hide or reorder text.

    Line breaks and tabs stay as they are.
    """
    return _shown(text, LINES)


def visible_line(text: str) -> str:
    """Return the text on one line, with codes for characters that hide or reorder text.

    A line break becomes ␤, and a tab becomes a code.
    """
    return _shown(text, frozenset())


def _shown(text: str, plain: frozenset[str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    kept = plain | (MARKS if _turns(text) else frozenset())
    return "".join(
        one if one in kept or not _is_hidden(text, place) else _code(one)
        for place, one in enumerate(text)
    )


def _turns(text: str) -> bool:
    return any(
        unicodedata.bidirectional(one) in RIGHT_TO_LEFT - {""} for one in text if one not in MARKS
    )


def _is_hidden(text: str, place: int) -> bool:
    one = text[place]
    if one in JOINERS:
        beside = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
        return beside.isascii()
    return one in BLANK or unicodedata.category(one) in HIDDEN


def _code(one: str) -> str:
    return "␤" if one == "\n" else f"\\u{ord(one):04x}"

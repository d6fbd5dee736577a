"""Release notes in Markdown: a draft from the commits, and an editor's changes to it."""

import difflib
import re
from collections.abc import Iterator, Sequence

from examples.changes import Change, ChangeType
from procedures.engine.kinds.question_options import one_line

HEADINGS = {
    ChangeType.FEATURE: "Features",
    ChangeType.FIX: "Fixes",
    ChangeType.OTHER: "Other changes",
}
MOST_LINES = 100
"""The maximum number of changes under one heading.

If there are more, a last line gives their number.
"""
SPECIAL = re.compile(r"[\\`*\[\]<>|]|(?<![^\W_])_+|_+(?![^\W_])|&(?=#?\w+;)|~(?=~)|(?<=~)~")
"""A pattern for characters with a meaning in Markdown.

An underscore inside a word, as in `snake_case`, has no meaning in Markdown.
"""
AT_THE_START = re.compile(r"^\d*(?=[-+=~#.)])")
"""A pattern for the digits at the start of a line, if a mark follows that begins a list or heading.

The mark, as in "1. ", has to be escaped.
"""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def draft_notes(changes: Sequence[Change]) -> str:
    """Return the draft of the notes: breaking changes, and then a section for each type of change.

    Each section begins with the newest change.
    """
    if all(one.sort == ChangeType.OTHER and not one.is_breaking for one in changes):
        return tidy_notes(_section("Changes", changes))
    sections = [_section("Breaking changes", [one for one in changes if one.is_breaking])]
    for sort, heading in HEADINGS.items():
        rest = [one for one in changes if one.sort == sort and not one.is_breaking]
        sections.append(_section(heading, rest))
    return tidy_notes("\n\n".join(filter(None, sections)))


def tidy_notes(text: str) -> str:
    """Return the notes as a tag stores them.

    Line ends are normalized, control characters and trailing blanks removed, and a newline ends the
    text.
    """
    lines = CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    tidy = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"{tidy}\n" if tidy else ""


def difference(draft: str, edited: str) -> str:
    """Return an editor's changes as a unified diff; "" if there are none."""
    before, after = draft.splitlines(keepends=True), edited.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, "draft", "edited"))


def counted(diff: str) -> tuple[int, int]:
    """Return how many lines a unified diff adds, and how many lines the diff removes."""
    lines = diff.splitlines()[2:]
    added, removed = (sum(line.startswith(mark) for line in lines) for mark in "+-")
    return added, removed


def escaped(text: str) -> str:
    """Return a commit's text as one line, escaped so that Markdown shows it unchanged."""
    line = one_line(text) if text.strip() else "(without a message)"
    return AT_THE_START.sub(r"\g<0>\\", SPECIAL.sub(_with_strokes, line))


def _with_strokes(found: re.Match[str]) -> str:
    return "".join(f"\\{mark}" for mark in found[0])


def _section(heading: str, changes: Sequence[Change]) -> str:
    return "\n".join([f"## {heading}\n", *_lines(changes)]) if changes else ""


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes[:MOST_LINES]:
        scope = f"**{escaped(change.scope)}:** " if change.scope.strip() else ""
        yield f"- {scope}{escaped(change.text)}"
    if len(changes) > MOST_LINES:
        yield f"- … and {len(changes) - MOST_LINES:,} more"

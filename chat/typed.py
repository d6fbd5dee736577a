"""The part of Markdown that counts in what people type, and such texts without its marks.

Few marks count, so that what people type plainly stays as they typed it: single asterisks and
underscores, as in names of files, signs of calculation, and lists of a single line aren't marks.
"""

import re

FENCED = r"^ {0,3}(?P<fence>`{3,}|~{3,})[^`\n]*\n(?P<lines>(?s:.*?))(?:\n? {0,3}(?P=fence) *$|\Z)"
CODE = r"`(?P<code>[^`\n]+)`"
BOLD = r"(?<![\w*])\*\*(?=[^\s*])(?P<bold>[^\n]{1,500}?)(?<=[^\s*])\*\*(?![\w*])"
LINK = r"\[(?P<words>[^\[\]\n]+)\]\((?P<address>(?:https?:/)?/[^\s()]+)\)"
RULER = r"^ *+\|?(?: *+:?-++:? *+\|)++(?: *+:?-++:? *+)?$\n?"
"""The line that separates the head of a table from its rows."""
MARKS = re.compile("|".join([FENCED, CODE, BOLD, LINK, RULER]), re.MULTILINE)
POINT = re.compile(r" {0,3}(?:([-*])|(\d{1,9})\.) +\S")
"""The beginning of a line that is an item of a list."""


def point_of(line: str) -> str:
    """Return the mark of a list's item, "1" for all numbers, or "" if the line is none."""
    found = POINT.match(line)
    return (found[1] or "1") if found else ""


def is_marked(text: str) -> bool:
    """Return True if a text may have marks of Markdown; if not, it is shown as it was typed."""
    if MARKS.search(text):
        return True
    points = [point for line in text.splitlines() if (point := point_of(line))]
    return len(points) != len(set(points))


def without_marks(text: str) -> str:
    """Return a text that a person typed as plain text: what code says stays, and so do addresses.

    Lists stay as well, since their marks are what plain text has for them.
    """
    if not MARKS.search(text):
        return text
    return MARKS.sub(_plain, text).strip()


def _plain(found: re.Match[str]) -> str:
    if found["words"]:
        return f"{found['words']} ({found['address']})"
    return found["lines"] or found["code"] or found["bold"] or ""

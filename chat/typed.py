"""The part of Markdown that counts in messages of people, and plain text without its marks.

Only a few marks count, so that plain text stays as people typed it: single asterisks, underscores
(as in names of files), signs of calculation, and lists of a single line aren't marks.
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
    """Return the mark of a list's item, "1" for all numbers; "" if the line is no item."""
    found = POINT.match(line)
    return (found[1] or "1") if found else ""


def is_marked(text: str) -> bool:
    """Return True if a text may have marks of Markdown; if not, it is shown as it was typed."""
    if MARKS.search(text):
        return True
    points = [point for line in text.splitlines() if (point := point_of(line))]
    return len(points) != len(set(points))


def without_marks(text: str) -> str:
    """Return a text that a person typed without the marks of code, links, bold words and tables.

    The contents of code and the addresses of links stay. Lists stay as they are, because plain text
    writes them in the same way.
    """
    if not MARKS.search(text):
        return text
    return MARKS.sub(_plain, text).strip()


def _plain(found: re.Match[str]) -> str:
    if found["words"]:
        return f"{found['words']} ({found['address']})"
    return found["lines"] or found["code"] or found["bold"] or ""

"""The Markdown that people can use in messages, and the plain text without this Markdown.

Only a few marks are Markdown here, so that plain text stays as people typed it. Single asterisks,
underscores (as in names of files), arithmetic signs, and lists of a single line are plain text.
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
"""The beginning of a line that is an item of a list, such as "- a" or "2. b"."""


def point_of(line: str) -> str:
    """Return the mark of a list item: "-" or "*", or "1" for any number; "" for other lines."""
    found = POINT.match(line)
    return (found[1] or "1") if found else ""


def is_marked(text: str) -> bool:
    """Return True if a text may contain Markdown; other texts are shown exactly as typed."""
    if MARKS.search(text):
        return True
    points = [point for line in text.splitlines() if (point := point_of(line))]
    return len(points) != len(set(points))


def without_marks(text: str) -> str:
    """Return the text of a person's message without Markdown's marks.

    Marks of code, links, bold words and tables are removed. The contents of code stay, and the
    address of a link follows its words. Lists stay as they are, because they look the same in plain
    text.
    """
    if not MARKS.search(text):
        return text
    return MARKS.sub(_plain, text).strip()


def _plain(found: re.Match[str]) -> str:
    if found["words"]:
        return f"{found['words']} ({found['address']})"
    return found["lines"] or found["code"] or found["bold"] or ""

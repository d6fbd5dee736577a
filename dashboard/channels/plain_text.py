"""Plain text for mails: functions that wrap or shorten texts, or format times."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import TextWrapper, indent

from django.utils import timezone
from django.utils.formats import date_format

from procedures.engine.values.visible import visible_line

WIDTH = 76


def plain(text: str) -> str:
    """Return a text as one line without control characters, so that it is safe in a mail header."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Return the text in one line, with invisible characters shown as codes."""
    return visible_line("".join(" " if char.isspace() else char for char in text))


def wrapped(text: str, width: int = WIDTH) -> str:
    """Return the text in lines of at most `width` characters. A URL is never broken."""
    words = plain(text).split(" ")
    pieces = (word if "://" in word else " ".join(_chunks(word, width)) for word in words)
    lines = TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    return lines.fill(" ".join(pieces))


def shortened(text: str, longest: int) -> str:
    """Return the text in one line of at most `longest` characters, cut between words."""
    read = " ".join(text.split(maxsplit=longest)[:longest])[: longest + 1]
    line = visible_line(read)  # of what is read only: a text may be megabytes long
    if len(line) <= longest:
        return line
    cut = line[: longest - 2]
    words = cut.rpartition(" ")[0].rstrip()
    return f"{words if len(words) >= longest // 2 else cut.rstrip()} …"


def indented(line: str) -> str:
    """Return a line of Markdown, wrapped if it is too long for a mail.

    The wrapped lines have the same indentation as the line.
    """
    if len(line) <= WIDTH:
        return printable(line).rstrip()
    blanks = line[: len(line) - len(line.lstrip(" "))][: WIDTH // 2]
    return indent(wrapped(line, WIDTH - len(blanks)), blanks)


def _chunks(word: str, width: int) -> Iterator[str]:
    """Yield a word in pieces of at most `width` characters.

    Some languages write without spaces, so a word may be as long as a sentence.
    """
    for start in range(0, len(word), width) or (0,):
        yield word[start : start + width]


def local_time(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y, H:i e")

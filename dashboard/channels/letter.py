"""The text of a mail: enough to know what it is about and where to answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import TextWrapper, indent
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from chat.models import HumanRequest, Message
from chat.services.silence import silence_of
from dashboard.overview.cuts import PAGE, cut_value
from dashboard.overview.drawing import cell, exact_name
from procedures.conf import conf
from procedures.engine.values.visible import visible_line
from procedures.users import User, short_name

LONGEST_SUBJECT, LONGEST_VALUE = 120, 160
MOST_LINES = 12
MOST_BODY_LINES, LONGEST_BODY = 40, 4000
LONGEST_TEXT = 2_000
"""Characters of a prompt, an alert, or the consequences of silence."""
WIDTH = 76
FINAL = "An answer can't be undone. The page asks once more before it counts."


@dataclass(frozen=True)
class Letter:
    """A mail in plain text."""

    subject: str
    text: str


def letter_about(request: HumanRequest, *, to: User) -> Letter:
    run = request.wait.run
    asker = run.started_by.get_username() if run.started_by else "The system"
    parts = [
        f"Hello {plain(short_name(to))},",
        wrapped(f"{asker} started “{run.procedure.title}”. It asks you:"),
        indent(wrapped(shortened(request.prompt, LONGEST_TEXT), WIDTH - 4), "    "),
        body_of(request),
        "\n".join(about(request)),
        wrapped(shortened(silence(request), LONGEST_TEXT)),
        FINAL if request.asked.irreversible else "",
        f"Look at it and answer:\n{link_to(request)}",
        "You get this mail once, because you had no page open when you were asked.",
    ]
    subject = shortened(request.prompt, LONGEST_SUBJECT)
    return Letter(subject, "\n\n".join(part for part in parts if part) + "\n")


def letter_about_alert(alert: Message, *, to: User) -> Letter:
    assert alert.run
    title = plain(alert.run.procedure.title)
    parts = [
        f"Hello {plain(short_name(to))},",
        wrapped(f"a run of “{title}”, which you operate, says ({alert.level}):"),
        indent(wrapped(shortened(alert.text, LONGEST_TEXT), WIDTH - 4), "    "),
        f"Look at it:\n{conf.SITE_URL}{reverse('countersign:run_detail', args=[alert.run.pk])}",
    ]
    subject = f"{alert.level.capitalize()} in {title}: {plain(alert.text)}"
    return Letter(shortened(subject, LONGEST_SUBJECT), "\n\n".join(parts) + "\n")


def link_to(request: HumanRequest) -> str:
    return f"{conf.SITE_URL}{reverse('countersign:request_detail', args=[request.pk])}"


def plain(text: str) -> str:
    """Return the text as one line without control characters, fit for a header."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Return the text in one line, with invisible characters written out."""
    return visible_line("".join(" " if char.isspace() else char for char in text))


def wrapped(text: str, width: int = WIDTH) -> str:
    """Return the text wrapped for a mail; addresses stay whole."""
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


def body_of(request: HumanRequest) -> str:
    """Return the author's Markdown below the prompt, cut to a length that people read."""
    text = request.asked.body[:LONGEST_BODY]
    lines = text.strip().splitlines()
    told = [_indented(line) for line in lines[:MOST_BODY_LINES]]
    if len(lines) > MOST_BODY_LINES or len(request.asked.body) > LONGEST_BODY:
        told.append("… The rest stands on the page.")
    return "\n".join(told)


def _indented(line: str) -> str:
    """Return a line of Markdown unchanged, or wrapped with its own indentation."""
    if len(line) <= WIDTH:
        return printable(line).rstrip()
    blanks = line[: len(line) - len(line.lstrip(" "))][: WIDTH // 2]
    return indent(wrapped(line, WIDTH - len(blanks)), blanks)


def _chunks(word: str, width: int) -> Iterator[str]:
    """Yield the pieces of a word too long for a line; Japanese, for one, has no blanks."""
    for start in range(0, len(word), width) or (0,):
        yield word[start : start + width]


def about(request: HumanRequest) -> Iterator[str]:
    """Yield the evidence, one line per value, up to a limit."""
    asked = request.asked
    found = cut_value(asked.evidence, PAGE)
    moment = f" (as read at {_local(request.opened_at)})"
    marks = {tuple(path.split(".")): moment for path in asked.volatile}
    lines = [] if asked.evidence is None else list(_lines(found.value, marks))
    for line in lines[:MOST_LINES]:
        yield f"  {line}"
    if len(lines) > MOST_LINES:
        least = "at least " if found.note else ""
        yield f"  … and {least}{len(lines) - MOST_LINES} more lines."
    if asked.draft is not None:
        what = "Data" if asked.is_of_data else "A text"
        yield f"  {what} of {len(asked.draft.splitlines())} lines is to be reviewed."
    if asked.fields:
        named = shortened(", ".join(asked.fields), LONGEST_VALUE)
        yield f"  To be filled in: {named}."


def silence(request: HumanRequest) -> str:
    due = request.wait.due_at
    if due is None:
        return silence_of(request)
    return f"{silence_of(request)} The time ends on {_local(due)}."


def _local(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y, H:i e")


Path = tuple[str, ...]


def _lines(value: Any, marks: Mapping[Path, str], name: str = "", path: Path = ()) -> Iterator[str]:
    """Yield the evidence line by line, each with the mark of its path or of one above it."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            own = exact_name(key)
            yield from _lines(inner, marks, f"{name}.{own}" if name else own, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value, start=1):
            yield from _lines(inner, marks, f"{name} {number}".strip(), path)
    else:
        mark = next((mark for above, mark in marks.items() if path[: len(above)] == above), "")
        shown = f"{shortened(cell(value).text, LONGEST_VALUE)}{mark}"
        yield f"{plain(name)}: {shown}" if name else shown

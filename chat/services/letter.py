"""What a mail says: enough to know what it is about, and where to answer or to look."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill, indent, shorten
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from chat.models import HumanRequest, Message
from procedures.engine import canonical

LONGEST_SUBJECT, LONGEST_VALUE = 120, 160
MOST_LINES = 12
WIDTH = 76


@dataclass(frozen=True)
class Letter:
    """A mail in plain text."""

    subject: str
    text: str


def letter_about(request: HumanRequest, *, to: User) -> Letter:
    run = request.wait.run
    asker = run.started_by.get_username() if run.started_by else "The system"
    parts = [
        f"Hello {plain(to.get_short_name() or to.get_username())},",
        fill(f"{plain(asker)} started “{plain(run.procedure.title)}”. It asks you:", WIDTH),
        indent(fill(plain(request.prompt), WIDTH - 4), "    "),
        "\n".join(about(request)),
        fill(silence(request), WIDTH),
        f"Look at it and answer:\n{link_to(request)}",
        "You get this mail once, because you had no page open when you were asked.",
    ]
    subject = shorten(plain(request.prompt), LONGEST_SUBJECT, placeholder=" …")
    return Letter(subject, "\n\n".join(part for part in parts if part) + "\n")


def letter_about_alert(alert: Message, *, to: User) -> Letter:
    assert alert.run
    title = plain(alert.run.procedure.title)
    parts = [
        f"Hello {plain(to.get_short_name() or to.get_username())},",
        fill(f"a run of “{title}”, which you operate, says ({alert.level}):", WIDTH),
        indent(fill(plain(alert.text), WIDTH - 4), "    "),
        f"Look at it:\n{settings.SITE_URL}{reverse('run_detail', args=[alert.run.pk])}",
    ]
    subject = f"{alert.level.capitalize()} in {title}: {plain(alert.text)}"
    return Letter(shorten(subject, LONGEST_SUBJECT, placeholder=" …"), "\n\n".join(parts) + "\n")


def link_to(request: HumanRequest) -> str:
    return f"{settings.SITE_URL}{reverse('request_detail', args=[request.pk])}"


def plain(text: str) -> str:
    """One line without control characters: fit for a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def about(request: HumanRequest) -> Iterator[str]:
    """The evidence, a line a value, and no more of them than are read."""
    asked = request.asked
    lines = list(_lines(asked.evidence))
    for line in lines[:MOST_LINES]:
        yield f"  {line}"
    if len(lines) > MOST_LINES:
        yield f"  … and {len(lines) - MOST_LINES} more lines."
    if asked.draft is not None:
        yield f"  A text of {len(asked.draft.splitlines())} lines is to be reviewed."
    if asked.fields:
        named = shorten(plain(", ".join(asked.fields)), LONGEST_VALUE, placeholder=" …")
        yield f"  To be filled in: {named}."


def silence(request: HumanRequest) -> str:
    due = request.wait.due_at
    if due is None:
        return request.asked.silence()
    local = timezone.localtime(due)
    return f"{request.asked.silence()} The time ends on {date_format(local, 'j F Y, H:i e')}."


def _lines(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _lines(inner, f"{name} {number}".strip())
    elif value is not None:
        text = value if isinstance(value, str) else canonical.text_of(value)
        shown = shorten(plain(text), LONGEST_VALUE, placeholder=" …")
        yield f"{plain(name)}: {shown}" if name else shown

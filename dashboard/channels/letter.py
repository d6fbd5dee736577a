"""The text of a notification mail: what a request is about, and where to answer it.

The same is drawn as HTML in `drawn_letter`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import TextWrapper, indent
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.access import titles_for
from chat.models import HumanRequest, Message
from chat.services.silence import silence_of
from dashboard.channels import drawn_letter
from dashboard.overview.addresses import path_to_message
from dashboard.overview.cuts import PAGE, cut_value
from dashboard.overview.drawing import cell, exact_name, file_of
from dashboard.overview.names import level_name
from dashboard.overview.words import format_size
from procedures.conf import conf
from procedures.engine.values.attachments import takes_files
from procedures.engine.values.visible import visible_line
from procedures.library import OUTSIDE
from procedures.models.clock import clock
from procedures.users import User, short_name

LONGEST_SUBJECT = 78
"""The maximum length of a subject line, because mail programs show little more."""
LONGEST_VALUE = 160
MOST_LINES = 12
MOST_BODY_LINES, LONGEST_BODY = 40, 4000
LONGEST_TEXT = 2_000
"""The maximum length of a prompt, of an alert, or of the sentence about a missing answer."""
MOST_LISTED, LONGEST_ITEM = 20, 300
"""The maximum numbers of requests in one mail, and of characters of each prompt in it."""
WIDTH = 76


@dataclass(frozen=True)
class Letter:
    """A mail, in plain text and as HTML."""

    subject: str
    text: str
    html: str = ""


def letter_about(request: HumanRequest, *, to: User, reminder: int = 0) -> Letter:
    """Return a mail about a request; `reminder` is the reminder's number, 0 for the first mail."""
    marks = marks_of(request, reminder=reminder)
    final = _("An answer can't be undone. The page asks you to confirm it before it counts.")
    notes = [*request.asked.conditions(), *([final] if request.asked.irreversible else [])]
    parts = [
        _("Hello {name},").format(name=plain(short_name(to))),
        f"[{' · '.join(marks)}]" if marks else "",
        wrapped(_("{who} It asks you:").format(who=asker_of(request))),
        indent(wrapped(shortened(request.prompt, LONGEST_TEXT), WIDTH - 4), "    "),
        *map(wrapped, asked_back(request)),
        body_of(request),
        "\n".join(about(request)),
        wrapped(shortened(silence(request), LONGEST_TEXT)),
        "\n".join(wrapped(note) for note in notes),
        wrapped(shortened(request.note, LONGEST_TEXT)),
        _("Answer it here:\n{link}").format(link=link_to(request)),
        wrapped(_("Later, the same page shows what was decided.")),
        sent_because([request]),
    ]
    subject = subject_about(request, reminder=reminder)
    told = {
        "request": request,
        "marks": marks,
        "asker": asker_of(request),
        "prompt": shortened(request.prompt, LONGEST_TEXT),
        "asked_back": [*asked_back(request)],
        "said": [*said_about(request)],
        "silence": shortened(silence(request), LONGEST_TEXT),
        "notes": [*notes, shortened(request.note, LONGEST_TEXT)],
        "link": link_to(request),
        "read_at": local_time(request.opened_at),
    }
    html = drawn_letter.about_one(told, subject=subject, to=to, because=sent_because([request]))
    return Letter(subject, _joined(parts), html)


def subject_about(request: HumanRequest, *, reminder: int = 0) -> str:
    """Return the subject line, which names the run for which an answer is needed.

    It doesn't contain the question, which may be too private for a locked screen.
    """
    words = _("Please answer: {title}")
    if reminder:
        words = _("Reminder, please answer: {title}")
    elif request.escalated:
        words = _("Escalated, please answer: {title}")
    room = LONGEST_SUBJECT - len(words.format(title=""))
    return words.format(title=shortened(request.wait.run.heading, room))


def asked_back(request: HumanRequest) -> Iterator[str]:
    """Yield a sentence for each time that somebody asked back before this request."""
    for one in request.asked.follows:
        words = _("Asked back by {name}: “{text}”")
        yield words.format(name=plain(one.by), text=shortened(one.text, LONGEST_ITEM))


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def marks_of(request: HumanRequest, *, reminder: int = 0) -> list[str]:
    """Return short marks for what is special about a request, such as "Overdue"."""
    asked, now = request.asked, clock.now()
    is_overdue = request.due_at is not None and request.due_at <= now
    found = {
        _("Reminder {number}").format(number=reminder): reminder > 0,
        _("Escalated"): request.escalated > 0,
        _("Overdue"): is_overdue,
        _("High risk"): asked.risk == "high",
        _("Can't be undone"): asked.irreversible,
    }
    return [words for words, is_so in found.items() if is_so]


def asker_of(request: HumanRequest) -> str:
    """Return a sentence that says who started the run, or whose external program asks."""
    run = request.wait.run
    asker = run.started_by.get_username() if run.started_by else _("The system")
    if run.program and run.procedure.name in OUTSIDE:
        words = _("{name}'s program {program}, which runs outside Countersign, asks this.")
        return words.format(program=plain(run.program), name=plain(asker))
    return _("{name} started “{title}”.").format(name=plain(asker), title=plain(run.heading))


def sent_because(requests: Sequence[HumanRequest]) -> str:
    if all(one.next_at is None for one in requests):
        return _("This mail was sent because you had no page open. There will be no reminder.")
    return _("This mail was sent because you had no page open. There may be a reminder.")


def letter_about_several(
    requests: Sequence[HumanRequest], *, to: User, reminders: Sequence[int] = ()
) -> Letter:
    """Return one mail about several requests, the oldest first; each has its own link.

    `reminders` holds the number of the reminder for each request, or is empty.
    """
    rounds = reminders or [0] * len(requests)
    told = list(zip(requests, rounds, strict=True))[:MOST_LISTED]
    more = len(requests) - MOST_LISTED
    count = subject_about_several(len(requests))
    also = ngettext(
        "%(count)d more request is waiting in your inbox:",
        "%(count)d more requests are waiting in your inbox:",
        more,
    ) % {"count": more}
    rest = also if more > 0 else _("All of them are in your inbox:")
    items = [item_of(one, reminder=number) for one, number in told]
    because = sent_because(requests)
    parts = [
        _("Hello {name},").format(name=plain(short_name(to))),
        f"{count}:",
        *(_item_as_text(one) for one in items),
        f"{rest}\n{inbox()}",
        because,
    ]
    digest = {"count": count, "items": items, "rest": rest, "inbox": inbox()}
    html = drawn_letter.about_several(digest, to=to, because=because)
    return Letter(count, _joined(parts), html)


def subject_about_several(count: int) -> str:
    words = ngettext(
        "%(count)d request is waiting for your answer",
        "%(count)d requests are waiting for your answer",
        count,
    )
    return words % {"count": count}


@dataclass(frozen=True)
class Item:
    """One of several requests in a mail."""

    prompt: str
    asker: str
    silence: str
    link: str
    marks: Sequence[str]


def item_of(request: HumanRequest, *, reminder: int = 0) -> Item:
    """Return a request for the list in a mail: the question, who asks, the default and the link."""
    return Item(
        prompt=shortened(request.prompt, LONGEST_ITEM),
        asker=asker_of(request),
        silence=silence(request),
        link=link_to(request),
        marks=marks_of(request, reminder=reminder),
    )


def _item_as_text(item: Item) -> str:
    marks = f"[{' · '.join(item.marks)}] " if item.marks else ""
    lines = [
        wrapped(f"{marks}{item.prompt}", WIDTH - 4),
        wrapped(f"{item.asker} {item.silence}", WIDTH - 4),
        item.link,
    ]
    return "  * " + indent("\n".join(lines), "    ").lstrip()


def letter_about_alert(alert: Message, *, to: User) -> Letter:
    assert alert.run
    title, level = plain(alert.run.heading), level_name(alert.level)
    link = f"{conf.SITE_URL}{reverse('countersign:run_detail', args=[alert.run.pk])}"
    intro = _("A run of “{title}”, which you operate, sent this alert ({level}):")
    intro = intro.format(title=title, level=level)
    words = shortened(alert.text, LONGEST_TEXT)
    parts = [
        _("Hello {name},").format(name=plain(short_name(to))),
        wrapped(intro),
        indent(wrapped(words, WIDTH - 4), "    "),
        _("Look at the run:\n{link}").format(link=link),
    ]
    subject = subject_about_alert(alert)
    told = {"intro": intro, "alert": words, "link": link, "level": level}
    return Letter(subject, _joined(parts), drawn_letter.about_alert(told, subject=subject, to=to))


def subject_about_alert(alert: Message) -> str:
    assert alert.run
    title, level = plain(alert.run.heading), level_name(alert.level)
    words = _("{level} in {title}: {text}")
    return shortened(
        words.format(level=level, title=title, text=plain(alert.text)), LONGEST_SUBJECT
    )


def letter_about_mention(message: Message, *, to: User) -> Letter:
    """Return a mail about a message that mentions its reader, with the beginning of its text."""
    title = titles_for(to, [message.session_id]).get(message.session_id, "")
    intro = _("{name} mentioned you in “{title}”:")
    intro = intro.format(name=plain(_author(message)), title=plain(title))
    link = f"{conf.SITE_URL}{path_to(message)}"
    words = shortened(message.summary, LONGEST_TEXT)
    because = _("You can switch these notifications off on your profile page.")
    parts = [
        _("Hello {name},").format(name=plain(short_name(to))),
        wrapped(intro),
        indent(wrapped(words, WIDTH - 4), "    "),
        _("Read it here:\n{link}").format(link=link),
        wrapped(because),
    ]
    subject = subject_about_mention(message)
    told = {"intro": intro, "said": words, "link": link}
    html = drawn_letter.about_mention(told, subject=subject, to=to, because=because)
    return Letter(subject, _joined(parts), html)


def subject_about_mention(message: Message) -> str:
    """Return the subject line, without the text, which may be too private for a locked screen."""
    words = _("{name} mentioned you in the chat")
    return shortened(words.format(name=plain(_author(message))), LONGEST_SUBJECT)


def path_to(message: Message) -> str:
    """Return the address of a message on its session's page."""
    return path_to_message(message.session_id, message.pk)


def _author(message: Message) -> str:
    return message.author.get_username() if message.author else _("The system")


def link_to(request: HumanRequest) -> str:
    return f"{conf.SITE_URL}{reverse('countersign:request_detail', args=[request.pk])}"


def inbox() -> str:
    return f"{conf.SITE_URL}{reverse('countersign:home')}"


def plain(text: str) -> str:
    """Return the text as one line without control characters, safe in a mail header."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Return the text in one line, with invisible characters shown as codes."""
    return visible_line("".join(" " if char.isspace() else char for char in text))


def wrapped(text: str, width: int = WIDTH) -> str:
    """Return the text wrapped to a width; addresses are never broken."""
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
    """Return the start of the request's Markdown body, short enough for a mail."""
    text = request.asked.body[:LONGEST_BODY]
    lines = text.strip().splitlines()
    told = [_indented(line) for line in lines[:MOST_BODY_LINES]]
    if len(lines) > MOST_BODY_LINES or len(request.asked.body) > LONGEST_BODY:
        told.append(_("… The rest is on the page."))
    return "\n".join(told)


def _indented(line: str) -> str:
    """Return a short line of Markdown unchanged; wrap a longer one with the same indentation."""
    if len(line) <= WIDTH:
        return printable(line).rstrip()
    blanks = line[: len(line) - len(line.lstrip(" "))][: WIDTH // 2]
    return indent(wrapped(line, WIDTH - len(blanks)), blanks)


def _chunks(word: str, width: int) -> Iterator[str]:
    """Yield a word in pieces of at most `width` characters; some languages write without spaces."""
    for start in range(0, len(word), width) or (0,):
        yield word[start : start + width]


def about(request: HumanRequest) -> Iterator[str]:
    """Yield the evidence, one line per value up to a limit, then notes on the draft and form."""
    asked = request.asked
    found = cut_value(asked.evidence, PAGE)
    moment = " " + _("(as of {when})").format(when=local_time(request.opened_at))
    marks = {tuple(path.split(".")): moment for path in asked.volatile}
    lines = [] if asked.evidence is None else list(_lines(found.value, marks))
    for line in lines[:MOST_LINES]:
        yield f"  {line}"
    if len(lines) > MOST_LINES:
        yield f"  {_more(len(lines) - MOST_LINES, is_least=bool(found.note))}"
    for sentence in said_about(request):
        yield f"  {sentence}"


def said_about(request: HumanRequest) -> Iterator[str]:
    """Yield sentences about the draft, options, file or form, which only the page shows in full."""
    asked = request.asked
    if file := asked.draft_file:
        words = _("There is a file to review: {name} ({size}).")
        yield words.format(name=plain(file.name), size=format_size(file.size))
    elif asked.draft is not None:
        yield _to_review(asked.draft, is_data=asked.is_of_data)
    if labels := list(asked.options.values()):
        words = shortened(" · ".join(labels), LONGEST_VALUE)
        yield _("The options are: {options}").format(options=words)
    if takes_files(asked.schema) and not asked.fields and not asked.draft_file:
        yield _("It asks for a file.")
    if asked.fields:
        named = shortened(", ".join(asked.fields), LONGEST_VALUE)
        yield _("The form asks for: {fields}.").format(fields=named)


def _more(count: int, *, is_least: bool) -> str:
    words = ngettext("… and {count} more line.", "… and {count} more lines.", count)
    if is_least:
        words = ngettext(
            "… and at least {count} more line.", "… and at least {count} more lines.", count
        )
    return words.format(count=count)


def _to_review(draft: str, *, is_data: bool) -> str:
    count = len(draft.splitlines())
    words = ngettext(
        "There is a text to review ({count} line).",
        "There is a text to review ({count} lines).",
        count,
    )
    if is_data:
        words = ngettext(
            "There is {count} line of data to review.",
            "There are {count} lines of data to review.",
            count,
        )
    return words.format(count=count)


def silence(request: HumanRequest) -> str:
    """Return sentences that say when an answer is needed, and what happens without one."""
    sentences = [silence_of(request)]
    if request.due_at:
        wanted = _("Please answer by {when}.").format(when=local_time(request.due_at))
        sentences.insert(0, wanted)
    if due := request.wait.due_at:
        sentences.append(_("The deadline is {when}.").format(when=local_time(due)))
    return " ".join(sentences)


def local_time(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y, H:i e")


Path = tuple[str, ...]


def _lines(value: Any, marks: Mapping[Path, str], name: str = "", path: Path = ()) -> Iterator[str]:
    """Yield the evidence line by line; `marks` maps paths of values to notes about them."""
    if isinstance(value, dict) and (file := file_of(value)):
        yield f"{plain(name)}: {plain(file.name)} ({format_size(file.size)})".removeprefix(": ")
    elif isinstance(value, dict) and value:
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

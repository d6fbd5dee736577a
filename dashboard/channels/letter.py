"""The text of a notification mail: what a request is about, and where people can answer it.

`drawn_letter` makes the same content as HTML.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.access import titles_for
from chat.models import HumanRequest, Message
from chat.models.notification import FIRST_CHANGE_ROUND
from chat.services.changed_values import change_sentences
from chat.services.silence import silence_of
from dashboard.channels import drawn_letter
from dashboard.channels.asked_lines import about, body_of, sentences_about_parts
from dashboard.channels.plain_text import WIDTH, local_time, plain, shortened, wrapped
from dashboard.channels.subjects import (
    author_of,
    subject_about,
    subject_about_alert,
    subject_about_mention,
    subject_about_several,
)
from dashboard.overview.addresses import path_to_message
from dashboard.overview.names import level_name
from procedures.conf import conf
from procedures.library import OUTSIDE
from procedures.models.clock import clock
from procedures.users import User, short_name

LONGEST_TEXT = 2_000
"""The maximum number of characters of a prompt, an alert or the sentence about a missing answer."""
MOST_LISTED, LONGEST_ITEM = 20, 300
"""The maximum number of requests that a mail lists, and of characters of each prompt in it."""


@dataclass(frozen=True)
class Letter:
    """A mail, in plain text and as HTML."""

    subject: str
    text: str
    html: str = ""


def letter_about(request: HumanRequest, *, to: User, reminder: int = 0) -> Letter:
    """Return a mail about a request.

    `reminder` is 0 for the first mail about the request, and the number of the reminder for later
    ones. It is `FIRST_CHANGE_ROUND` or more in a mail that says that proposed values have changed.
    """
    marks = marks_of(request, reminder=reminder)
    final = _("An answer can't be undone. The page asks you to confirm it before it counts.")
    notes = [*request.offered.conditions(), *change_sentences(request)]
    notes += [final] if request.asked.irreversible else []
    parts = [
        _("Hello {name},").format(name=plain(short_name(to))),
        f"[{' · '.join(marks)}]" if marks else "",
        wrapped(_("{who} The question is:").format(who=asker_of(request))),
        indent(wrapped(shortened(request.prompt, LONGEST_TEXT), WIDTH - 4), "    "),
        *map(wrapped, asked_back(request)),
        body_of(request),
        "\n".join(about(request)),
        wrapped(shortened(silence(request), LONGEST_TEXT)),
        "\n".join(wrapped(note) for note in notes),
        wrapped(shortened(request.note, LONGEST_TEXT)),
        _("Answer it here:\n{link}").format(link=link_to(request)),
        wrapped(_("Later, the same page shows what was decided.")),
        wrapped(sent_because([request])),
    ]
    subject = subject_about(request, reminder=reminder)
    context = {
        "request": request,
        "marks": marks,
        "asker": asker_of(request),
        "prompt": shortened(request.prompt, LONGEST_TEXT),
        "asked_back": [*asked_back(request)],
        "details": [*sentences_about_parts(request)],
        "silence": shortened(silence(request), LONGEST_TEXT),
        "notes": [*notes, shortened(request.note, LONGEST_TEXT)],
        "link": link_to(request),
        "read_at": local_time(request.opened_at),
    }
    html = drawn_letter.about_one(context, subject=subject, to=to, because=sent_because([request]))
    return Letter(subject, _joined(parts), html)


def asked_back(request: HumanRequest) -> Iterator[str]:
    """Yield a sentence for each question that people sent back before this request was made."""
    for one in request.asked.follows:
        words = _("Sent back by {name}: “{text}”")
        yield words.format(name=plain(one.by), text=shortened(one.text, LONGEST_ITEM))


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def marks_of(request: HumanRequest, *, reminder: int = 0) -> list[str]:
    """Return short marks of what is special about a request, such as "Overdue" or "High risk"."""
    asked, now = request.asked, clock.now()
    is_overdue = request.due_at is not None and request.due_at <= now
    found = {
        _("Reminder {number}").format(number=reminder): 0 < reminder < FIRST_CHANGE_ROUND,
        _("Values changed"): reminder >= FIRST_CHANGE_ROUND,
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
        return _(
            "You get this mail because you had no page of this site open. There will be no "
            "reminder."
        )
    return _(
        "You get this mail because you had no page of this site open. There may be a reminder."
    )


def letter_about_several(
    requests: Sequence[HumanRequest], *, to: User, reminders: Sequence[int] = ()
) -> Letter:
    """Return one mail about several requests, in the order of `requests`.

    Each request has a link of its own. `reminders` has the number of the reminder for each request,
    or is empty.
    """
    rounds = reminders or [0] * len(requests)
    listed = list(zip(requests, rounds, strict=True))[:MOST_LISTED]
    more = len(requests) - MOST_LISTED
    count = subject_about_several(len(requests))
    also = ngettext(
        "%(count)d more request is waiting in your inbox:",
        "%(count)d more requests are waiting in your inbox:",
        more,
    ) % {"count": more}
    rest = also if more > 0 else _("All of them are in your inbox:")
    items = [item_of(one, reminder=number) for one, number in listed]
    because = sent_because(requests)
    parts = [
        _("Hello {name},").format(name=plain(short_name(to))),
        f"{count}:",
        *(_item_as_text(one) for one in items),
        f"{rest}\n{inbox()}",
        wrapped(because),
    ]
    digest = {"count": count, "items": items, "rest": rest, "inbox": inbox()}
    html = drawn_letter.about_several(digest, to=to, because=because)
    return Letter(count, _joined(parts), html)


@dataclass(frozen=True)
class Item:
    """One request in a mail that lists several."""

    prompt: str
    asker: str
    silence: str
    link: str
    marks: Sequence[str]


def item_of(request: HumanRequest, *, reminder: int = 0) -> Item:
    """Return a request as an item of a mail: the question, who asks, what silence means, a link."""
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
    context = {"intro": intro, "alert": words, "link": link, "level": level}
    return Letter(
        subject, _joined(parts), drawn_letter.about_alert(context, subject=subject, to=to)
    )


def letter_about_mention(message: Message, *, to: User) -> Letter:
    """Return a mail about a message that mentions the person, with the beginning of the message."""
    title = titles_for(to, [message.session_id]).get(message.session_id, "")
    intro = _("{name} mentioned you in “{title}”:")
    intro = intro.format(name=plain(author_of(message)), title=plain(title))
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
    context = {"intro": intro, "excerpt": words, "link": link}
    html = drawn_letter.about_mention(context, subject=subject, to=to, because=because)
    return Letter(subject, _joined(parts), html)


def path_to(message: Message) -> str:
    """Return the path of the URL at which a session's page shows the message."""
    return path_to_message(message.session_id, message.pk)


def link_to(request: HumanRequest) -> str:
    return f"{conf.SITE_URL}{reverse('countersign:request_detail', args=[request.pk])}"


def inbox() -> str:
    return f"{conf.SITE_URL}{reverse('countersign:home')}"


def silence(request: HumanRequest) -> str:
    """Return sentences that say when an answer is needed, and what happens if nobody answers."""
    sentences = [silence_of(request)]
    if request.due_at:
        wanted = _("Please answer by {when}.").format(when=local_time(request.due_at))
        sentences.insert(0, wanted)
    if due := request.wait.due_at:
        sentences.append(_("The deadline is {when}.").format(when=local_time(due)))
    return " ".join(sentences)

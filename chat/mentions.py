"""Mentions: names after an @ in messages, whom they name, and who of these may read the message.

A name is written as the site knows it, with its spaces, dots and letters of any script; the longest
name that fits counts. An @ inside code, in an address or after a letter mentions nobody.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from chat.models import Member, Message, Session
from procedures.users import User, active_users, name_field
from procedures.viewers import Key, People, who_sees

MOST = 20
"""The maximum number of @ signs in a text after which names are looked for."""
LONGEST = 150
MOST_ENDS = 24
"""The maximum number of places after an @ sign that are tried as the end of the name."""
MOST_FOUND, MOST_SEARCHED = 8, 50
CODE = r"```.*?(?:```|\Z)|`[^`\n]+`"
SIGN = r"(?<![\w.+\-/@&=#%~:])(?P<sign>@)(?=\S)"
# One pass finds both, so that a text with thousands of either doesn't take longer than other texts.
CODE_OR_SIGN = re.compile(f"{CODE}|{SIGN}", re.DOTALL)
ENDS = re.compile(r"(?<=[^\s])(?=[^\w]|\Z)")


class Mention(NamedTuple):
    """A person whom a text mentions, and the name as it is written in the text."""

    user: User
    name: str


def signs_in(text: str) -> list[int]:
    """Return the places of the @ signs that may begin a mention, at most `MOST`."""
    signs = (found.start() for found in CODE_OR_SIGN.finditer(text) if found["sign"])
    return list(islice(signs, MOST))


def names_after(text: str, sign: int) -> list[str]:
    """Return each piece of text after an @ that may be a user name, the longest first."""
    line = text[sign + 1 : sign + 1 + LONGEST].partition("\n")[0]
    # The last character of a word may belong to the name ("dr."), or end the sentence.
    ends = [found.start() for found in ENDS.finditer(line)][:MOST_ENDS]
    return [line[:end] for end in sorted(ends, reverse=True)]


def mentions_in(text: str) -> list[Mention]:
    """Return the active people whom a text mentions, each once, in the order of the text."""
    candidates = [names_after(text, sign) for sign in signs_in(text)]
    wanted = {name for names in candidates for name in names}
    if not wanted:
        return []
    named = active_users().filter(**{f"{name_field()}__in": wanted})
    known = {user.get_username(): user for user in named}
    meant = (next((one for one in names if one in known), None) for names in candidates)
    return [Mention(known[name], name) for name in dict.fromkeys(filter(None, meant))]


def spans_of(text: str, names: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """Yield where these names are mentioned in a text: begin, end, and the name."""
    for sign in signs_in(text) if names else ():
        if name := next((one for one in names_after(text, sign) if one in names), None):
            yield sign, sign + 1 + len(name), name


def readers_among(people: Iterable[User], session: Session, reply_to: Message | None) -> set[Key]:
    """Return which of these people may read a person's message in a session.

    Members of the session may. Unless the session is private, so may superusers, people who may see
    the run that the message replies to, and the author of the message that it replies to.
    """
    by_key = {user.pk: user for user in people}
    members = Member.objects.filter(session=session, user__in=by_key)
    found: set[Key] = set(members.values_list("user", flat=True)) if by_key else set()
    if session.is_private or not by_key.keys() - found:
        return found
    found |= {key for key, user in by_key.items() if user.is_superuser}
    if reply_to is not None:
        found |= by_key.keys() & {reply_to.author_id}
        if run := reply_to.run_id:
            found |= who_sees(People(by_key.values()), {run: by_key.keys() - found}).get(run, set())
    return found


def unreached(message: Message) -> list[str]:
    """Return the mentioned names whose owners may not read the message, and so weren't notified."""
    found = mentions_in(message.text)
    may_read = readers_among((one.user for one in found), message.session, message.reply_to)
    return [one.name for one in found if one.user.pk not in may_read]


def people_to_mention(
    words: str, *, by: User, session: Session, reply_to: Message | None, is_whole: bool
) -> list[User]:
    """Return people whose names contain the words, and who could read the message.

    They are members, if the writer sees the whole session, and people who may see the run that the
    message replies to.
    """
    named: Mapping[str, Any] = {f"{name_field()}__icontains": words} if words else {}
    others = active_users().filter(**named).exclude(pk=by.pk).order_by(name_field())
    found: list[User] = []
    if is_whole:
        members = Member.objects.filter(session=session).values("user")
        found = list(others.filter(pk__in=members)[:MOST_FOUND])
    if reply_to is not None and reply_to.run_id and len(found) < MOST_FOUND:
        more = list(others.exclude(pk__in=[one.pk for one in found])[:MOST_SEARCHED])
        may_read = readers_among(more, session, reply_to)
        found += [one for one in more if one.pk in may_read]
    return found[:MOST_FOUND]

"""Mentions: which people are named after an @ in a message, and which of them may read the message.

A name is written exactly as the site knows the name, with blanks, dots and letters of any script.
If several names fit the text after an @, the longest name is the one that is mentioned. An @ inside
code, in an address or directly after a letter mentions nobody.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from chat.models import Member, Message, Session
from procedures.users import User, active_users, name_field
from procedures.viewers import Key, People, who_sees

MOST = 20
"""The maximum number of @ signs in a text that are examined."""
LONGEST = 150
MOST_ENDS = 24
"""The maximum number of offsets after an @ sign that are tried as the end of the name."""
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
    """Return the offsets of the first @ signs that may begin a mention, at most `MOST` of them."""
    signs = (found.start() for found in CODE_OR_SIGN.finditer(text) if found["sign"])
    return list(islice(signs, MOST))


def names_after(text: str, sign: int) -> list[str]:
    """Return the pieces of the text after an @ that may be a user name, the longest piece first."""
    line = text[sign + 1 : sign + 1 + LONGEST].partition("\n")[0]
    # The last character of a word may belong to the name ("dr."), or end the sentence.
    ends = [found.start() for found in ENDS.finditer(line)][:MOST_ENDS]
    return [line[:end] for end in sorted(ends, reverse=True)]


def mentions_in(text: str) -> list[Mention]:
    """Return the active people mentioned in a text, each once, in the order of the text."""
    candidates = [names_after(text, sign) for sign in signs_in(text)]
    wanted = {name for names in candidates for name in names}
    if not wanted:
        return []
    named = active_users().filter(**{f"{name_field()}__in": wanted})
    known = {user.get_username(): user for user in named}
    meant = (next((one for one in names if one in known), None) for names in candidates)
    return [Mention(known[name], name) for name in dict.fromkeys(filter(None, meant))]


def spans_of(text: str, names: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """Yield each mention of one of these names in a text: start offset, end offset, and name.

    The start offset is the offset of the @ sign.
    """
    for sign in signs_in(text) if names else ():
        if name := next((one for one in names_after(text, sign) if one in names), None):
            yield sign, sign + 1 + len(name), name


def readers_among(people: Iterable[User], session: Session, reply_to: Message | None) -> set[Key]:
    """Return the keys of those given people who may read a person's message in a session.

    Members of the session may read the message. In a public session, superusers may read the
    message, too. If the message is a reply, so may the author of the message to which it replies,
    and the people who may see the run to which it replies.
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
    """Return the names in a message of people who may not read the message.

    These people were therefore not notified of the mention.
    """
    found = mentions_in(message.text)
    may_read = readers_among((one.user for one in found), message.session, message.reply_to)
    return [one.name for one in found if one.user.pk not in may_read]


def people_to_mention(
    text: str, *, by: User, session: Session, reply_to: Message | None, is_whole: bool
) -> list[User]:
    """Return people whose names contain `text` and who could read the message being written.

    If the writer sees the whole session, members of the session are returned. If the message
    replies to a run, other people who could read the reply are returned, too.
    """
    named: Mapping[str, Any] = {f"{name_field()}__icontains": text} if text else {}
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

"""The messages that people haven't read, in the sessions that they follow.

Members follow their sessions. Another person follows a session after reading in it, or after a
message in it has mentioned that person. A person's own messages are never new to that person.
Sending a message writes nothing for each of its readers, so that it costs the same however many
members there are: new messages are counted when they are shown.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, F, OuterRef, Q, Subquery

from chat.access import AccessCache
from chat.doorbell import ring_after_commit
from chat.models import Member, Message, ReadMark
from chat.store import sql
from procedures.among import is_among
from procedures.users import User, name_field
from procedures.viewers import Key, People, who_sees

MOST_COUNTED = 100
"""The maximum number of new messages that are counted; a count of 100 means "more than 99"."""
NEWEST = 20
"""The number of a person's newest sessions that are checked for the sign in the menu.

The sign shows that there are new messages.
"""
MOST_READ = 2_000
"""The maximum number of new messages that are read to count those that a non-member may see."""
READERS = 30
"""The maximum number of readers of a session who are shown by name."""
READ = "read:"
"""The prefix of hints that somebody has read a session: "read:SESSION:READER".

SESSION is the id of the session, and READER the key of the reader.
"""


@dataclass(frozen=True)
class FollowedSession:
    """The state of a session that a person follows: how far they have read it, and what is new."""

    read_to: int | None
    """The number of the newest message that the person has read; None if none was read."""
    unread: int
    """The number of new messages that the person may see, up to 100."""
    is_mentioned: bool = False
    """True if one of the new messages mentions the person who follows the session."""


@dataclass(frozen=True)
class Readers:
    """The readers of a session: those of its members who have read in it.

    Either `named` lists them or, if they are too many, `count` is a number.
    """

    named: tuple[tuple[Key, str, int], ...] = ()
    """Each reader's key, user name, and the number of the last message that the reader has read."""
    count: int | None = None
    """The number of members who have read everything, if the readers are too many to be named.

    None if they are named.
    """


def mark_read(session: UUID, *, by: User, seq: int) -> bool:
    """Record that `by` has read a session up to the message with the number `seq`.

    Return False if it was already recorded that the person has read so far.
    """
    is_new = bool(sql.mark_read.fetch(by.pk, seq, seq, session))
    if is_new:
        ring_after_commit(f"{READ}{session}:{by.pk}")
    return is_new


def followed(
    user: User, sessions: Collection[UUID], sight: AccessCache
) -> dict[UUID, FollowedSession]:
    """Return the state of each of the sessions that the user follows.

    This takes one database query. It takes two more if there are new messages in a session that
    the user isn't a member of.
    """
    found: dict[UUID, FollowedSession] = {}
    parts: dict[UUID, int] = {}
    wanted = (user.pk, MOST_COUNTED, user.pk, user.pk, list(sessions))
    for key, read_to, mentioned, is_member, unread in sql.followed.fetch(*wanted):
        session, is_mentioned = _id(key), mentioned > (read_to or 0)
        found[session] = FollowedSession(read_to, unread, is_mentioned=is_mentioned)
        if unread and not (is_member or user.is_superuser):
            parts[session] = read_to
    counts = _seen_above(sight, parts) if parts else {}
    for session in parts:
        unread = min(counts.get(session, 0), MOST_COUNTED)
        is_mentioned = found[session].is_mentioned and unread > 0
        found[session] = replace(found[session], unread=unread, is_mentioned=is_mentioned)
    return found


def _seen_above(sight: AccessCache, marks: dict[UUID, int]) -> Counter[UUID]:
    """Return, by session, how many new messages the user may see.

    A message is new if its number is greater than the session's number in `marks`. The user isn't a
    member of these sessions.
    """
    above = reduce(or_, (Q(session=key, seq__gt=seq) for key, seq in marks.items()))
    new = Message.objects.filter(above).exclude(author=sight.user).order_by("-seq")
    rows = list(new.values_list("session", "run", "reply_to__run", "reply_to__author")[:MOST_READ])
    seen = sight.runs(run for _, *runs, _ in rows for run in runs)
    return Counter(
        session for session, run, about, to in rows if {run, about} & seen or to == sight.user.pk
    )


def readers_of(session: UUID) -> Readers:
    """Return the members who have read in a session; those who have read furthest come first.

    When a person becomes a member, it is recorded that they have read everything so far. Therefore
    a member counts as a reader only after reading a message that is newer than the membership.
    """
    messages = Message.objects.filter(session=session, seq__lte=OuterRef(OuterRef("seq")))
    last_read_at = Subquery(messages.order_by("-seq").values("at")[:1])
    member = Member.objects.filter(session=session, user=OuterRef("user"))
    has_read = Exists(member.filter(joined_at__lt=last_read_at))
    marks = ReadMark.objects.filter(has_read, session=session)
    rows = marks.order_by("-seq", "user").values_list("user", f"user__{name_field()}", "seq")
    named = list(rows[: READERS + 1])
    if len(named) <= READERS:
        return Readers(tuple(named))
    newest = Message.objects.filter(session=session).order_by("-seq").values("seq")[:1]
    return Readers(count=marks.filter(seq__gte=newest).count())


# The functions below serve the pages of many people at once.

Unread = dict[Key, dict[UUID, int]]
"""The sessions with new messages, by person; each with the `seq` of its newest message."""


def unread_of(people: Collection[Key]) -> Unread:
    """Return, by person, which of the person's newest sessions have new messages."""
    keys = list(people)
    return _found(people, sql.unread_of.fetch(keys, NEWEST, keys), _mentions(people))


def unread_in(sessions: Collection[UUID], people: Collection[Key]) -> Unread:
    """Return, by person, which of the given sessions have messages that are new to the person."""
    mentions = _mentions(people, Q(session__in=sessions))
    return _found(people, sql.unread_in.fetch(list(sessions), list(people)), mentions)


def _found(
    people: Collection[Key],
    rows: Iterable[tuple[Any, Any, int]],
    mentions: Iterable[tuple[Key, UUID, int]],
) -> Unread:
    found: Unread = {key: {} for key in people}
    for user, session, newest in rows:
        found[_key(user)][_id(session)] = newest
    for user, session, newest in mentions:
        found[user][session] = newest
    return found


def _mentions(people: Collection[Key], where: Q | None = None) -> list[tuple[Key, UUID, int]]:
    """Return the unread mentions of people who aren't members of the mentions' sessions.

    Only mentions that these people may see now are returned. This takes one database query, and
    a few more if there are such mentions.
    """
    # One join finds all of them. A condition for each mention would make the statement too long.
    mark = "session__read_marks__"
    mentions = Message.objects.filter(
        where or Q(),
        is_among(f"{mark}user", people),
        Q(seq=F(f"{mark}mentioned"), session__is_private=False),
        **{f"{mark}mentioned__gt": F(f"{mark}seq")},
    )
    is_member = Member.objects.filter(session=OuterRef("session"), user=OuterRef(f"{mark}user"))
    look = (f"{mark}user", "session", "seq", "run", "reply_to__run", "reply_to__author")
    found = list(mentions.filter(~Exists(is_member)).order_by().values_list(*look))
    return _seen_by_others(found) if found else []


def _seen_by_others(found: list[tuple[Any, ...]]) -> list[tuple[Key, UUID, int]]:
    """Return those of the mentions that the mentioned people may see now.

    These people aren't members of the mentions' sessions.
    """
    people = People.read({user for user, *_ in found})
    # The author of a message may read a reply to it while they may see any run of the session.
    replied = {session for user, session, *_, writer in found if writer == user}
    messages = Message.objects.filter(is_among("session", replied), run__isnull=False).order_by()
    runs: dict[UUID, set[UUID]] = defaultdict(set)
    for session, run in messages.values_list("session", "run").distinct() if replied else ():
        runs[session].add(run)
    about = [
        {run, replied_to, *(runs[session] if writer == user else ())} - {None}
        for user, session, _, run, replied_to, writer in found
    ]
    wanted: dict[UUID, set[Key]] = defaultdict(set)
    for (user, *_), concerned in zip(found, about, strict=True):
        for run in concerned:
            wanted[run].add(user)
    seen = who_sees(people, wanted)
    see_all = {key for key, user in people.users.items() if user.is_superuser}
    return [
        (user, session, seq)
        for (user, session, seq, *_), concerned in zip(found, about, strict=True)
        if user in see_all or any(user in seen.get(run, ()) for run in concerned)
    ]


def _key(value: Any) -> Key:
    return get_user_model()._meta.pk.to_python(value)  # noqa: SLF001 (Django documents it)


def _id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)

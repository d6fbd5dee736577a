"""The messages that people haven't read, in the sessions that they follow.

Members follow their sessions. Other people follow a session once they have read in it, or a message
has mentioned them there. People's own messages are never new to them. Sending a message stores
nothing for its readers, however many members there are: new messages are counted when they are
shown.
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

from chat.access import Sight
from chat.doorbell import ring_after_commit
from chat.models import Member, Message, ReadMark
from chat.store import sql
from procedures.among import is_among
from procedures.users import User, name_field
from procedures.viewers import Key, People, who_sees

MOST_COUNTED = 100
"""The number up to which new messages are counted; it means "more than 99"."""
NEWEST = 20
"""The number of somebody's newest sessions in which the menu looks for something new."""
MOST_READ = 2_000
"""The maximum number of new messages of others' runs that are read for a list of sessions."""
READERS = 30
"""The maximum number of members of a session who are named as readers."""
READ = "read:"
"""The prefix of hints that somebody has read a session; its id and the reader's key follow.

The two are separated by a colon.
"""


@dataclass(frozen=True)
class Followed:
    """The place up to which somebody has read a session that they follow, and how much is new."""

    read_to: int | None
    """The number of the newest message that the person has read; None if none was read."""
    unread: int
    """The number of new messages that the person may see, up to 100."""
    is_mentioned: bool = False
    """True if one of the new messages mentions the person."""


@dataclass(frozen=True)
class Readers:
    """The members who have read in a session, or only their number if they are many."""

    named: tuple[tuple[Key, str, int], ...] = ()
    """Each reader's key and name, and the number of the last message that the reader has read."""
    count: int | None = None
    """The number of members who have read everything, if they are too many to be named."""


def mark_read(session: UUID, *, by: User, seq: int) -> bool:
    """Record that somebody has read a session up to a number; return False if that isn't new."""
    is_new = bool(sql.mark_read.fetch(by.pk, seq, seq, session))
    if is_new:
        ring_after_commit(f"{READ}{session}:{by.pk}")
    return is_new


def followed(user: User, sessions: Collection[UUID], sight: Sight) -> dict[UUID, Followed]:
    """Return which of the sessions a person follows.

    This takes one statement, and two more if there are new messages where they aren't a member.
    """
    found: dict[UUID, Followed] = {}
    parts: dict[UUID, int] = {}
    wanted = (user.pk, MOST_COUNTED, user.pk, user.pk, list(sessions))
    for key, read_to, mentioned, is_member, unread in sql.followed.fetch(*wanted):
        session, is_mentioned = _id(key), mentioned > (read_to or 0)
        found[session] = Followed(read_to, unread, is_mentioned=is_mentioned)
        if unread and not (is_member or user.is_superuser):
            parts[session] = read_to
    counts = _seen_above(sight, parts) if parts else {}
    for session in parts:
        unread = min(counts.get(session, 0), MOST_COUNTED)
        is_mentioned = found[session].is_mentioned and unread > 0
        found[session] = replace(found[session], unread=unread, is_mentioned=is_mentioned)
    return found


def _seen_above(sight: Sight, marks: dict[UUID, int]) -> Counter[UUID]:
    """Return how many messages above each mark the person, who isn't a member, may see there."""
    above = reduce(or_, (Q(session=key, seq__gt=seq) for key, seq in marks.items()))
    new = Message.objects.filter(above).exclude(author=sight.user).order_by("-seq")
    rows = list(new.values_list("session", "run", "reply_to__run", "reply_to__author")[:MOST_READ])
    seen = sight.runs(run for _, *runs, _ in rows for run in runs)
    return Counter(
        session for session, run, about, to in rows if {run, about} & seen or to == sight.user.pk
    )


def readers_of(session: UUID) -> Readers:
    """Return the members who have read in a session, those who have read furthest first.

    The mark of a new member is set to the newest message. Therefore a member counts as a reader
    only if their mark is at a message that is newer than their membership.
    """
    said = Message.objects.filter(session=session, seq__lte=OuterRef(OuterRef("seq")))
    last_read_at = Subquery(said.order_by("-seq").values("at")[:1])
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
"""The sessions with something new, by person, with the number of the newest new message."""


def unread_of(people: Collection[Key]) -> Unread:
    """Return, for each of these people, those of their newest sessions that have new messages."""
    keys = list(people)
    return _found(people, sql.unread_of.fetch(keys, NEWEST, keys), _mentions(people))


def unread_in(sessions: Collection[UUID], people: Collection[Key]) -> Unread:
    """Return, for each of these people, those of these sessions that have new messages."""
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
    """Return the unread mentions of people who aren't members but may see the mentions now.

    This takes one statement, and a few more if there are such mentions.
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
    """Return the mentions that the mentioned people, who aren't members, may see now."""
    people = People.read({user for user, *_ in found})
    # The author of a message may read a reply to it while they may see any run of the session.
    replied = {session for user, session, *_, writer in found if writer == user}
    said = Message.objects.filter(is_among("session", replied), run__isnull=False).order_by()
    runs: dict[UUID, set[UUID]] = defaultdict(set)
    for session, run in said.values_list("session", "run").distinct() if replied else ():
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

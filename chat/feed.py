"""The sessions that a user may see, ordered by their newest readable message."""

from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from chat.access import AccessCache, Head, readable_messages
from chat.models import Assignment, FeedEntry, Message, RunAudience, Session
from chat.models.delegation import principals_of
from chat.models.feed import ALL, HIDDEN, OF_RUNS, audience
from chat.parts import find_part
from chat.store import sql
from procedures import access
from procedures.holdings import holdings_of, permissions_of
from procedures.models import Run
from procedures.users import User

FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)
"""An id smaller than all ids of messages, and an id greater than all of them."""


def newest_messages(
    user: User | AnonymousUser,
    *,
    before: UUID | None = None,
    most: int,
    sight: AccessCache | None = None,
) -> list[Message]:
    """Return the newest readable message of each session that the user may see, latest first.

    At most `most` messages are returned. To read the next page, pass the id of the last message on
    the previous page as `before`.
    """
    found: list[Message] = []
    if not isinstance(user, User) or not user.is_active:
        return found
    sight = sight or AccessCache(user)
    mine, end = sorted(audiences_of(user)), before or LAST
    while wanted := most - len(found):
        entries = _newest(user, mine, end, wanted)
        ids = [newest for _, newest in entries]
        end = ids[-1] if len(ids) == wanted else FIRST
        found_here = list(Message.objects.filter(pk__in=ids).for_lists().with_opener())
        sight.runs(_runs_about(found_here))
        readable = {one.pk: one for one in readable_messages(sight, found_here)}
        for session, newest in entries:
            message = readable.get(newest) or _last_readable(user, session)
            if message and message.pk >= end:
                found.append(message)
        if end == FIRST:
            break
    return sorted(found, key=attrgetter("pk"), reverse=True)


def heads_in(messages: Iterable[Message]) -> Iterator[Head]:
    """Yield the `Head` of the session of each message that `newest_messages` has returned."""
    for one in messages:
        of = one.session
        opener: UUID | None = getattr(one, "opener", None)
        yield Head(of.pk, of.title, opener, of.is_named, of.is_private)


def _runs_about(messages: Iterable[Message]) -> Iterator[UUID | None]:
    """Yield the ids of the runs that decide who may read the messages and under which titles.

    The caller tests all these runs in one database query, because the database takes longer to
    plan a query than to execute the query for many runs.
    """
    for one in messages:
        yield from (one.run_id, one.reply_to.run_id if one.reply_to else None)
        yield getattr(one, "opener", None)


def _newest(user: User, mine: list[str], end: UUID, most: int) -> list[tuple[UUID, UUID]]:
    """Return up to `most` sessions, each with the id of the newest message that the feed holds.

    Only messages with an id below `end` are considered. `mine` are the names of the user's
    audiences.
    """
    member, writer = audience("member", user.pk), audience("writer", user.pk)
    listed = (end, end, user.pk, end, member, user.pk, writer, writer, most)
    found = sql.newest_in_feed.fetch(mine, *listed, *(user.pk, end, most), most)
    return [(UUID(str(session)), UUID(str(newest))) for session, newest in found]


def _last_readable(user: User, session: UUID) -> Message | None:
    """Return the newest message of a session that the user may read, or None.

    This is needed if the message to which the session's feed entry points was deleted.
    """
    part = find_part(user, session)
    return part.messages.for_lists().with_opener().order_by("-seq").first() if part else None


def audiences_of(user: User) -> Iterator[str]:
    """Yield the names of the audiences to which a user belongs now, such as "group:3".

    `chat.models.feed` describes audiences. In some of them, a user is included as a deputy.
    """
    if user.is_superuser:
        yield ALL
        return
    for kind in ("user", "member", "writer"):
        yield audience(kind, user.pk)
    if access.sees_all(user):
        yield OF_RUNS
        return
    seen = holdings_of(user).procedures(*access.SEEING)
    yield from (audience("procedure", key) for key in seen)
    asked = (_asked_with(person) for person in (user, *principals_of(user)))
    # Each audience is passed once, because the statement reads the entries of every audience that
    # it gets.
    yield from set(chain.from_iterable(asked))


def _asked_with(person: User) -> Iterator[str]:
    """Yield the audiences that a request has if the request asks this person in any way.

    A request can ask a person by name, by a group or by a permission.
    """
    yield audience("asked", person.pk)
    yield from (audience("group", key) for key in holdings_of(person).groups)
    if not person.is_superuser:
        yield from (audience("perm", name) for name in permissions_of(person))


def renew_audiences(run: Run, session: UUID) -> None:
    """Update which audiences a run's requests ask, and the feed entries of these audiences.

    Call this function after a reassignment. The caller must have locked the session, so that no
    message is added meanwhile.
    """
    is_private = Session.objects.filter(pk=session, is_private=True).exists()
    asked = {one.audience for one in Assignment.objects.filter(request__wait__run=run)}
    before = set(RunAudience.objects.filter(run=run).values_list("audience", flat=True))
    RunAudience.objects.filter(run=run, audience__in=before - asked).delete()
    for one in before | asked:
        _renew_entry(session, one, HIDDEN if is_private else "")


def _renew_entry(session: UUID, name: str, beginning: str) -> None:
    """Point an audience's feed entry for a session at the newest message that the audience reads.

    Delete the entry if the audience may read no message of the session. `beginning` is `HIDDEN` in
    a private session, else "".
    """
    messages = Message.objects.filter(session=session).exclude(run=None)
    asking = RunAudience.objects.filter(audience=name, run__in=messages.values("run")).values("run")
    is_seen = Q(run__in=asking) | Q(reply_to__run__in=asking)
    found = Message.objects.filter(is_seen, session=session).order_by("-seq").first()
    kept_as = f"{beginning}{name}"
    FeedEntry.objects.filter(session=session, audience=kept_as).delete()
    if found:
        entry = FeedEntry(session_id=session, audience=kept_as, newest=found.pk, seq=found.seq)
        entry.save(force_insert=True)

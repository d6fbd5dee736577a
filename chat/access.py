"""Access rules for requests, responses and transcripts.

Several runs can share a session, so users who may see a session don't see all of its entries. A
card, question or notice is visible to the users who may see its run. A person's message is visible
to its author and to the session's members. A reply is also visible to the author of the message it
replies to, or to the users who may see the run it replies to. Being asked doesn't make a user a
member.

A private session is visible to its members only, not even to superusers. Its runs and requests have
the same rules as all others.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from chat.left import is_left_to
from chat.models import (
    Assignment,
    HumanRequest,
    Member,
    Message,
    Session,
    SharedRun,
)
from chat.models.delegation import principals_of
from chat.models.message import MessageQuerySet, opener_of
from chat.models.request import HumanRequestQuerySet
from chat.urgency import held_permissions, urgent_requests
from procedures import access
from procedures.store.keyed import Part, RunsByKey, chosen, this
from procedures.users import User


def visible_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Return the requests of the runs that a user may see.

    Like `access.visible_runs`, this tests every request separately, so narrow the query to a few
    keys.
    """
    return HumanRequest.objects.filter(access.is_visible(user, "wait__run"))


def answerable_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Return the open requests that the user may answer now."""
    if not isinstance(user, User):
        return HumanRequest.objects.none()
    return HumanRequest.objects.open().assigned_to(user).filter(is_left_to(user))


def most_urgent(user: User, most: int, *, with_snoozed: bool = False) -> list[UUID]:
    """Return up to `most` open requests that wait for the user now, the most urgent first.

    If `with_snoozed` is true, requests that the user has snoozed are included.
    """
    return list(urgent_requests(user, most, with_snoozed=with_snoozed))


def in_session_of(user: User) -> Q:
    """Return a `Q` that matches runs with an entry in one of the user's sessions."""
    # No join, because Django would then look up each session in its own table, too.
    mine = Member.objects.filter(session=OuterRef("session"), user=user).order_by()
    return access.has_row(Message.objects.filter(Exists(mine), run=OuterRef("pk")))


def asks(user: User) -> Q:
    """Return a `Q` that matches runs with a request, open or closed, assigned to the user."""
    return access.has_row(Assignment.objects.to(user).filter(run=OuterRef("pk")))


def shared_runs(user: User) -> list[RunsByKey]:
    """Return the index lookup that finds other people's runs in the user's sessions."""
    # The membership is checked again: a row that somebody edited in the database must not show a
    # run that its session doesn't show.
    members = Member._meta.db_table  # noqa: SLF001 (Django documents it)
    is_member = Part(
        f"EXISTS (SELECT 1 FROM {members} AS member WHERE member.id = named.member_id"  # noqa: S608
        " AND member.user_id = named.user_id)"
    )
    return [RunsByKey(SharedRun, "user_id", this(user.pk), is_member)]


def asking_runs(user: User) -> list[RunsByKey]:
    """Return the index lookups that find the runs with a request assigned to the user.

    Requests to people who have the user as a deputy are included, as in `asks`.
    """
    people = [user, *principals_of(user)]
    by_key = [RunsByKey(Assignment, "user_id", this(one.pk)) for one in people]
    by_group = [
        RunsByKey(Assignment, "group_id", chosen(one.groups.values("pk"))) for one in people
    ]
    # The index leaves out empty permissions. PostgreSQL can't conclude from the key of a subquery
    # that the permission isn't empty.
    is_named = Part("named.permission <> ''")
    by_name = [
        RunsByKey(Assignment, "permission", this(name), is_named) for name in held_permissions(user)
    ]
    return [*by_key, *by_group, *by_name]


def sessions_of(user: User) -> QuerySet[Member, UUID]:
    """Return the ids of the sessions that have the user as a member."""
    return Member.objects.filter(user=user).values_list("session", flat=True)


def reads_all_of(user: User, sessions: Iterable[UUID]) -> set[UUID]:
    """Return the sessions whose whole transcript the user may read.

    Members may read all of it, and so may superusers, unless the session is private.
    """
    wanted = set(sessions)
    mine = sessions_of(user).filter(session__in=wanted)
    if user.is_superuser:
        private = Session.objects.filter(pk__in=wanted, is_private=True)
        return wanted.difference(private.exclude(pk__in=mine).values_list("pk", flat=True))
    return wanted & set(mine)


class Sight:
    """A cache for one page: the runs and the whole sessions that a user may read."""

    def __init__(
        self, user: User, *, runs: Iterable[UUID] = (), whole: Iterable[UUID] = ()
    ) -> None:
        """Create the cache for a user.

        It is already known that the user may see `runs`, and read all of the sessions in `whole`.
        """
        self.user = user
        self._runs = dict.fromkeys(runs, True)
        self._whole = dict.fromkeys(whole, True)

    def runs(self, wanted: Iterable[UUID | None]) -> set[UUID]:
        """Return which of the given runs the user may see."""
        return _known(self._runs, filter(None, wanted), partial(access.seen_among, self.user))

    def known_whole(self) -> set[UUID]:
        """Return the sessions that the user is already known to be allowed to read as a whole."""
        return {session for session, is_whole in self._whole.items() if is_whole}

    def whole(self, wanted: Iterable[UUID]) -> set[UUID]:
        """Return which of the given sessions the user may read completely."""
        return _known(self._whole, wanted, partial(reads_all_of, self.user))


def _known(
    known: dict[UUID, bool], wanted: Iterable[UUID], ask: Callable[[set[UUID]], set[UUID]]
) -> set[UUID]:
    ids = set(wanted)
    if new := ids - known.keys():
        seen = ask(new)
        known.update((one, one in seen) for one in new)
    return {one for one in ids if known[one]}


def visible_sessions(user: User | AnonymousUser) -> QuerySet[Session]:
    """Return the sessions the user is a member of, and those with an entry of a visible run.

    Every session is tested separately, so narrow the query to a few keys.
    """
    if not isinstance(user, User) or not user.is_active:
        return Session.objects.none()
    if user.is_superuser:
        return Session.objects.filter(Q(is_private=False) | _is_in(user, "pk"))
    return Session.objects.filter(_is_session_visible(user, "pk"))


def visible_messages(user: User | AnonymousUser) -> MessageQuerySet:
    """Return the transcript entries this user may read, in all sessions they see.

    Every entry is tested separately, so narrow the query to a few keys or to one session.
    """
    if not isinstance(user, User) or not user.is_active:
        return Message.objects.none()
    if user.is_superuser:
        return Message.objects.filter(Q(session__is_private=False) | _is_in(user, "session"))
    in_sessions = _is_session_visible(user, "session")
    return Message.objects.filter(_concerns(user) | _is_between(user) & in_sessions)


def messages_in(session: Session, user: User) -> MessageQuerySet:
    """Return the transcript entries of a visible session that the user may read."""
    messages = Message.objects.filter(session=session)
    if reads_all_of(user, [session.pk]):
        return messages
    if session.is_private:
        return messages.none()
    return messages.filter(_concerns(user) | _is_between(user))


def _is_session_visible(user: User, path: str) -> Q:
    """Return a `Q` for rows whose session the user may see; `path` is the session's lookup."""
    said = Message.objects.filter(session=OuterRef(OuterRef(path))).exclude(run=None)
    # The runs are found first, each once, because a session may have thousands of entries about one
    # run.
    of_run = access.visible_runs(user).filter(pk__in=said.order_by().values("run"))
    is_public = Q(**{"is_private" if path == "pk" else f"{path}__is_private": False})
    return _is_in(user, path) | (is_public & Q(Exists(of_run.order_by())))


def _is_in(user: User, path: str) -> Q:
    """Return a `Q` for rows in the user's sessions; `path` is the lookup of the session."""
    return Q(Exists(Member.objects.filter(session=OuterRef(path), user=user).order_by()))


def _concerns(user: User) -> Q:
    """Return a `Q` that matches the entries of visible runs and of the user's sessions."""
    of_run = Q(session__is_private=False) & access.is_visible(user, "run")
    return of_run | _is_in(user, "session")


def _is_between(user: User) -> Q:
    """Return a `Q` that matches the user's messages, and replies to them or to a visible run."""
    is_own = Q(author=user, kind=Message.Kind.PERSON)
    return is_own | Q(reply_to__author=user) | access.is_visible(user, "reply_to__run")


def readable_messages(sight: Sight, messages: Iterable[Message]) -> list[Message]:
    """Return the messages that the user may read, in the given order.

    The messages must be loaded with their sessions and the messages to which they reply. The rule
    is the same as in `visible_messages`. It is applied to the keys of the messages here, because
    PostgreSQL might otherwise look up everything that the user may see.
    """
    given = list(messages)
    private = sight.whole(one.session_id for one in given if one.session.is_private)
    found = [one for one in given if one.session_id in private or not one.session.is_private]
    concerned = {
        one.pk: {one.run_id, one.reply_to.run_id if one.reply_to else None} for one in found
    }
    seen = sight.runs(chain.from_iterable(concerned.values()))
    left = [one for one in found if not concerned[one.pk] & seen]
    whole = sight.whole(one.session_id for one in left)
    between = [one for one in left if one.session_id not in whole and one.is_between(sight.user)]
    sessions = visible_sessions(sight.user).filter(pk__in={one.session_id for one in between})
    parts = set(sessions.values_list("pk", flat=True)) if between else set()
    return [
        one
        for one in found
        if concerned[one.pk] & seen
        or one.session_id in whole
        or (one in between and one.session_id in parts)
    ]


class Head(NamedTuple):
    """The facts about a session that decide which title somebody is shown."""

    session: UUID
    title: str
    opener: UUID | None
    """The run that opened the session; None if a person did."""
    is_named: bool
    """True if a person wrote the title."""
    is_private: bool

    @staticmethod
    def columns(path: str = "") -> list[Any]:
        """Return the columns to read; `path` is the lookup of the session, if any."""
        key, prefix = path or "pk", f"{path}__" if path else ""
        flags = (f"{prefix}is_named", f"{prefix}is_private")
        return [key, f"{prefix}title", opener_of(key), *flags]


def titles_for(
    user: User | AnonymousUser,
    sessions: Iterable[UUID],
    *,
    sight: Sight | None = None,
    heads: Iterable[Head] = (),
) -> dict[UUID, str]:
    """Return the titles to show this user, by session id.

    Sessions that the user may not see are left out. A session's title names the run that opened it,
    unless a person has named the session. A user who may not see that run, or reads only a part of
    a named session, gets the subject, or the procedure's title, of the first run in the session
    that they may see. `heads` are the heads that the caller has read already.
    """
    known = {one.session: one for one in heads}
    wanted = known.keys() | set(sessions)
    if not wanted or not isinstance(user, User):
        return {}
    sight = sight or Sight(user)
    if missing := wanted - known.keys():
        read = Session.objects.filter(pk__in=missing).order_by().values_list(*Head.columns())
        known |= {one.session: one for one in map(Head._make, read)}
    unsure = [one for pk, one in known.items() if pk not in sight.known_whole()]
    seen = sight.runs(one.opener for one in unsure if not one.is_named)
    private = {one.session for one in unsure if one.is_private}
    hidden = private | {one.session for one in unsure if one.is_named or one.opener not in seen}
    hidden -= sight.whole(hidden)
    titles = {pk: one.title for pk, one in known.items() if pk not in hidden}
    return titles | _titles_of_parts(sight, hidden - private)


def _titles_of_parts(sight: Sight, sessions: set[UUID]) -> dict[UUID, str]:
    if not sessions:
        return {}
    said = Message.objects.filter(session__in=sessions, run__isnull=False).order_by()
    named = said.values_list("session", "run", "run__subject", "run__procedure__title")
    rows = list(named.annotate(first=Min("seq")).order_by("-first"))
    seen = sight.runs(run for _, run, *_ in rows)
    return {session: subject or title for session, run, subject, title, _ in rows if run in seen}

"""Access rules for requests, responses and transcripts.

Several runs can share a session, so users who may see a session don't see all of its entries. A
card, question or notice is visible to the users who may see its run. A person's message is visible
to its author and to the session's members. A reply is also visible to the author of the message to
which the reply was written, or to the users who may see the run to which the reply was written.
Being asked doesn't make a user a member.

A private session is visible only to its members. Superusers who aren't members can't see the
session either. Privacy changes nothing for the session's runs and requests: whoever may see a run
by another rule, for example as a superuser, still sees the run and its requests.
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
from chat.models.request_queries import HumanRequestQuerySet
from chat.urgency import held_permissions, urgent_requests
from procedures import access
from procedures.store.keyed import RunsByKey, SqlPart, chosen, this
from procedures.users import User


def visible_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Return the requests of the runs that a user may see.

    Like `access.visible_runs`, the query tests every request separately. Therefore narrow the query
    to the primary keys of a few requests.
    """
    return HumanRequest.objects.filter(access.is_visible(user, "wait__run"))


def answerable_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Return the open requests that the user may answer now."""
    if not isinstance(user, User):
        return HumanRequest.objects.none()
    return HumanRequest.objects.open().assigned_to(user).filter(is_left_to(user))


def most_urgent(user: User, most: int, *, with_snoozed: bool = False) -> list[UUID]:
    """Return the ids of open requests that the user may answer now, the most urgent first.

    At most `most` ids are returned. If `with_snoozed` is true, requests that the user has snoozed
    are included.
    """
    return list(urgent_requests(user, most, with_snoozed=with_snoozed))


def in_session_of(user: User) -> Q:
    """Return a `Q` that matches runs with an entry in a session that the user is a member of."""
    # No join, because Django would then look up each session in its own table, too.
    mine = Member.objects.filter(session=OuterRef("session"), user=user).order_by()
    return access.has_row(Message.objects.filter(Exists(mine), run=OuterRef("pk")))


def asks(user: User) -> Q:
    """Return a `Q` that matches runs with a request, open or closed, assigned to the user.

    A request counts as assigned to the user by name, by a group, by a permission, or as the deputy
    of an assignee.
    """
    return access.has_row(Assignment.objects.to(user).filter(run=OuterRef("pk")))


def shared_runs(user: User) -> list[RunsByKey]:
    """Return the index lookup that finds other people's runs in the user's sessions.

    The user is a member of these sessions. The lookup reads an index of `SharedRun`.
    """
    # The membership is checked again: a row that somebody edited in the database must not show a
    # run that its session doesn't show.
    members = Member._meta.db_table  # noqa: SLF001 (Django documents it)
    is_member = SqlPart(
        f"EXISTS (SELECT 1 FROM {members} AS member WHERE member.id = named.member_id"  # noqa: S608
        " AND member.user_id = named.user_id)"
    )
    return [RunsByKey(SharedRun, "user_id", this(user.pk), is_member)]


def asking_runs(user: User) -> list[RunsByKey]:
    """Return the index lookups that find the runs with a request assigned to the user.

    The lookups read indexes of `Assignment`. A request to somebody who has the user as a deputy
    counts as assigned to the user, as in `asks`.
    """
    people = [user, *principals_of(user)]
    by_key = [RunsByKey(Assignment, "user_id", this(one.pk)) for one in people]
    by_group = [
        RunsByKey(Assignment, "group_id", chosen(one.groups.values("pk"))) for one in people
    ]
    # The index leaves out empty permissions. PostgreSQL can't conclude from the key of a subquery
    # that the permission isn't empty.
    is_named = SqlPart("named.permission <> ''")
    by_name = [
        RunsByKey(Assignment, "permission", this(name), is_named) for name in held_permissions(user)
    ]
    return [*by_key, *by_group, *by_name]


def sessions_of(user: User) -> QuerySet[Member, UUID]:
    """Return the ids of the sessions that the user is a member of."""
    return Member.objects.filter(user=user).values_list("session", flat=True)


def reads_all_of(user: User, sessions: Iterable[UUID]) -> set[UUID]:
    """Return those of the given sessions whose whole transcript the user may read.

    A member may read the whole transcript. A superuser may, too, unless the session is private.
    """
    wanted = set(sessions)
    mine = sessions_of(user).filter(session__in=wanted)
    if user.is_superuser:
        private = Session.objects.filter(pk__in=wanted, is_private=True)
        return wanted.difference(private.exclude(pk__in=mine).values_list("pk", flat=True))
    return wanted & set(mine)


class AccessCache:
    """A cache of access checks for one user and one page.

    For each run, the cache holds whether the user may see the run. For each session, the cache
    holds whether the user may read the whole transcript.
    """

    def __init__(
        self, user: User, *, runs: Iterable[UUID] = (), whole: Iterable[UUID] = ()
    ) -> None:
        """Create the cache for a user.

        The caller has already checked that the user may see each run in `runs`, and may read the
        whole transcript of each session in `whole`.
        """
        self.user = user
        self._runs = dict.fromkeys(runs, True)
        self._whole = dict.fromkeys(whole, True)

    def runs(self, wanted: Iterable[UUID | None]) -> set[UUID]:
        """Return those of the given runs that the user may see."""
        return _known(self._runs, filter(None, wanted), partial(access.seen_among, self.user))

    def known_whole(self) -> set[UUID]:
        """Return the cached sessions that the user may read as a whole."""
        return {session for session, is_whole in self._whole.items() if is_whole}

    def whole(self, wanted: Iterable[UUID]) -> set[UUID]:
        """Return those of the given sessions whose whole transcript the user may read."""
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
    """Return the sessions that a user may see.

    A user may see a session as a member. A public session is also visible to users who may see a
    run that has an entry in the session, and to superusers. The query tests every session
    separately, so narrow the query to the primary keys of a few sessions.
    """
    if not isinstance(user, User) or not user.is_active:
        return Session.objects.none()
    if user.is_superuser:
        return Session.objects.filter(Q(is_private=False) | _is_in(user, "pk"))
    return Session.objects.filter(_is_session_visible(user, "pk"))


def visible_messages(user: User | AnonymousUser) -> MessageQuerySet:
    """Return the transcript entries that a user may read, in all sessions that the user may see.

    The query tests every entry separately. Therefore narrow the query to the primary keys of a few
    entries, or to one session.
    """
    if not isinstance(user, User) or not user.is_active:
        return Message.objects.none()
    if user.is_superuser:
        return Message.objects.filter(Q(session__is_private=False) | _is_in(user, "session"))
    in_sessions = _is_session_visible(user, "session")
    return Message.objects.filter(_concerns(user) | _is_between(user) & in_sessions)


def messages_in(session: Session, user: User) -> MessageQuerySet:
    """Return the transcript entries of a session that the user may read.

    The caller has checked that the user may see the session.
    """
    messages = Message.objects.filter(session=session)
    if reads_all_of(user, [session.pk]):
        return messages
    if session.is_private:
        return messages.none()
    return messages.filter(_concerns(user) | _is_between(user))


def _is_session_visible(user: User, path: str) -> Q:
    """Return a `Q` for rows whose session the user may see.

    `path` is the lookup from the row to its session, for example "session"; "pk" if the rows are
    sessions.
    """
    messages = Message.objects.filter(session=OuterRef(OuterRef(path))).exclude(run=None)
    # The runs are found first, each once, because a session may have thousands of entries about one
    # run.
    of_run = access.visible_runs(user).filter(pk__in=messages.order_by().values("run"))
    is_public = Q(**{"is_private" if path == "pk" else f"{path}__is_private": False})
    return _is_in(user, path) | (is_public & Q(Exists(of_run.order_by())))


def _is_in(user: User, path: str) -> Q:
    """Return a `Q` for rows whose session has the user as a member.

    `path` is the lookup from the row to its session, as in `_is_session_visible`.
    """
    return Q(Exists(Member.objects.filter(session=OuterRef(path), user=user).order_by()))


def _concerns(user: User) -> Q:
    """Return a `Q` for transcript entries that the user may read because of a run or a membership.

    The entry is about a run that the user may see, in a public session; or the user is a member of
    the entry's session.
    """
    of_run = Q(session__is_private=False) & access.is_visible(user, "run")
    return of_run | _is_in(user, "session")


def _is_between(user: User) -> Q:
    """Return a `Q` for the user's messages, for replies to them, and for replies to visible runs.

    A run is visible if the user may see the run.
    """
    is_own = Q(author=user, kind=Message.Kind.PERSON)
    return is_own | Q(reply_to__author=user) | access.is_visible(user, "reply_to__run")


def readable_messages(sight: AccessCache, messages: Iterable[Message]) -> list[Message]:
    """Return those of the given messages that the user may read, in the given order.

    Each message must be loaded with its session and with the message to which it replies. The rule
    is the same as in `visible_messages`. Here, Python applies the rule to the keys of the given
    messages, because PostgreSQL might otherwise read everything that the user may see.
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
    """The facts about a session that decide under which title a user sees the session."""

    session: UUID
    title: str
    opener: UUID | None
    """The run that opened the session; None if a person did."""
    is_named: bool
    """True if a person wrote the title."""
    is_private: bool

    @staticmethod
    def columns(path: str = "") -> list[Any]:
        """Return the columns that make a `Head`, for `values_list`.

        `path` is the lookup from the queried table to the session, for example "session"; "" if the
        queried table is the table of sessions.
        """
        key, prefix = path or "pk", f"{path}__" if path else ""
        flags = (f"{prefix}is_named", f"{prefix}is_private")
        return [key, f"{prefix}title", opener_of(key), *flags]


def titles_for(
    user: User | AnonymousUser,
    sessions: Iterable[UUID],
    *,
    sight: AccessCache | None = None,
    heads: Iterable[Head] = (),
) -> dict[UUID, str]:
    """Return the titles to show to this user, by session id.

    Sessions that the user may not see are left out. A session's title names the run that opened the
    session, unless a person has named the session. So some users see another title instead: those
    who may not see the run that opened the session, and those who may read only a part of a session
    that a person has named. They see the subject of the first run in the session that they may see,
    or the title of the run's procedure if the run has no subject. `heads` holds the `Head` of each
    session for which the caller has read it already.
    """
    known = {one.session: one for one in heads}
    wanted = known.keys() | set(sessions)
    if not wanted or not isinstance(user, User):
        return {}
    sight = sight or AccessCache(user)
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


def _titles_of_parts(sight: AccessCache, sessions: set[UUID]) -> dict[UUID, str]:
    if not sessions:
        return {}
    messages = Message.objects.filter(session__in=sessions, run__isnull=False).order_by()
    named = messages.values_list("session", "run", "run__subject", "run__procedure__title")
    rows = list(named.annotate(first=Min("seq")).order_by("-first"))
    seen = sight.runs(run for _, run, *_ in rows)
    return {session: subject or title for session, run, subject, title, _ in rows if run in seen}

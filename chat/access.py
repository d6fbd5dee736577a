"""Access rules for requests, responses and transcripts.

Several runs can share a session, so access to a session alone shows none of its entries: a card,
question or notice is visible to the users who may see its run. A person's message is visible to its
author and to the session's members; a reply also to the author of the message it replies to, or to
the users who may see the run it replies to. Being asked doesn't make a user a member.
"""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format

from chat.models import HumanRequest, Member, Message, Session
from chat.models.message import MessageQuerySet
from chat.models.request import HumanRequestQuerySet
from procedures import access
from procedures.users import User


def visible_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Return the requests of the runs that a user may see."""
    return HumanRequest.objects.filter(wait__run__in=access.visible_runs(user))


def answerable_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Return the open requests that the user may answer now."""
    if not isinstance(user, User):
        return HumanRequest.objects.none()
    return HumanRequest.objects.open().assigned_to(user)


def runs_in_sessions_of(user: User) -> Q:
    """Return a filter for the runs with an entry in a session of which the user is a member."""
    said = Message.objects.filter(session__in=sessions_of(user)).exclude(run=None)
    return Q(pk__in=said.values("run"))


def runs_that_ask(user: User) -> Q:
    """Return a filter for the runs with a request that is assigned to the user."""
    asked = HumanRequest.objects.assigned_to(user)
    return Q(pk__in=asked.values("wait__run"))


def sessions_of(user: User) -> QuerySet[Member, UUID]:
    """Return the ids of the sessions of which the user is a member."""
    return Member.objects.filter(user=user).values_list("session", flat=True)


def reads_all_of(user: User, sessions: Iterable[UUID]) -> set[UUID]:
    """Return the sessions whose whole transcript the user may read, as a member or superuser."""
    wanted = set(sessions)
    if user.is_superuser:
        return wanted
    return wanted & set(sessions_of(user).filter(session__in=wanted))


def visible_sessions(user: User | AnonymousUser) -> QuerySet[Session]:
    """Return the sessions the user is a member of, and those with an entry of a visible run."""
    if not isinstance(user, User) or not user.is_active:
        return Session.objects.none()
    if user.is_superuser:
        return Session.objects.all()
    said = Message.objects.filter(run__in=access.visible_runs(user))
    return Session.objects.filter(
        Q(pk__in=said.values("session")) | Q(pk__in=sessions_of(user).values("session"))
    )


def visible_messages(user: User | AnonymousUser) -> MessageQuerySet:
    """Return the transcript entries this user may read, in all sessions they see."""
    if not isinstance(user, User) or not user.is_active:
        return Message.objects.none()
    if user.is_superuser:
        return Message.objects.all()
    in_sessions = Q(session__in=visible_sessions(user))
    is_concerned, is_writer = _concerns(user), _is_between(user)
    return Message.objects.filter(is_concerned | is_writer & in_sessions)


def messages_in(session: Session, user: User) -> MessageQuerySet:
    """Return the transcript entries of a session for a user who may see the session."""
    messages = Message.objects.filter(session=session)
    if reads_all_of(user, [session.pk]):
        return messages
    return messages.filter(_concerns(user) | _is_between(user))


def _concerns(user: User) -> Q:
    """Return a filter for entries of visible runs, and all entries of the user's sessions."""
    return Q(run__in=access.visible_runs(user)) | Q(session__in=sessions_of(user))


def _is_between(user: User) -> Q:
    """Return a filter for the user's own messages, replies to them, and replies to visible runs."""
    is_own = Q(author=user, kind=Message.Kind.PERSON)
    reply_to_run = Q(reply_to__run__in=access.visible_runs(user))
    return is_own | Q(reply_to__author=user) | reply_to_run


def titles_for(user: User | AnonymousUser, sessions: Iterable[UUID]) -> dict[UUID, str]:
    """Return, by session, the title to show this user; sessions they may not see are missing.

    A session's title names the run that opened it. A user who may not see that run gets the
    procedure's title and the creation time of the first run in the session that they may see.
    """
    wanted = set(sessions)
    if not wanted or not isinstance(user, User):
        return {}
    found = Session.objects.filter(pk__in=wanted)
    if not user.is_superuser:
        cards = Message.objects.cards().filter(session=OuterRef("pk")).order_by("seq")
        opened_by = Q(opener__in=access.visible_runs(user)) | Q(pk__in=sessions_of(user))
        found = found.annotate(opener=Subquery(cards.values("run")[:1])).filter(opened_by)
    titles: dict[UUID, str] = dict(found.order_by().values_list("pk", "title"))
    return titles | _titles_of_parts(user, wanted - set(titles))


def _titles_of_parts(user: User, sessions: set[UUID]) -> dict[UUID, str]:
    if not sessions:
        return {}
    said = Message.objects.filter(session__in=sessions, run__in=access.visible_runs(user))
    runs = said.order_by().values_list("session", "run__procedure__title", "run__created_at")
    return {
        session: f"{title} · {date_format(timezone.localtime(at), 'j M, H:i')}"
        for session, title, at, _seq in runs.annotate(first=Min("seq")).order_by("-first")
    }

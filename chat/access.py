"""Who may see and answer what is asked."""

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet

from chat.models import HumanRequest, Member, Message, Session
from chat.models.request import HumanRequestQuerySet
from procedures import access


def visible_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """Who may see a run sees what it asks."""
    return HumanRequest.objects.filter(wait__run__in=access.visible_runs(user))


def answerable_requests(user: User | AnonymousUser) -> HumanRequestQuerySet:
    """The open requests that the user may answer now: what waits for them."""
    if not isinstance(user, User):
        return HumanRequest.objects.none()
    return HumanRequest.objects.open().assigned_to(user)


def runs_in_sessions_of(user: User) -> Q:
    """Members of a session see its runs."""
    sessions = Member.objects.filter(user=user).values("session")
    cards = Message.objects.filter(kind=Message.Kind.RUN, session__in=sessions)
    return Q(pk__in=cards.values("run"))


def runs_that_ask(user: User) -> Q:
    """Who is asked by a run sees the run."""
    asked = HumanRequest.objects.assigned_to(user)
    return Q(pk__in=asked.values("wait__run"))


def visible_sessions(user: User | AnonymousUser) -> QuerySet[Session]:
    """Members see a session, and so does who may see a run in it."""
    cards = Message.objects.filter(kind=Message.Kind.RUN, run__in=access.visible_runs(user))
    if not isinstance(user, User) or not user.is_active:
        return Session.objects.none()
    return Session.objects.filter(
        Q(pk__in=cards.values("session"))
        | Q(pk__in=Member.objects.filter(user=user).values("session"))
    )

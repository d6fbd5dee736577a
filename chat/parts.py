"""The part of one session that a user may read.

A page checks once which of the session's runs the user may see. Everything else on the page is then
read by keys, so that a session with thousands of messages is shown as fast as any other.
"""

from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from chat.models import HumanRequest, Member, Message, Session
from chat.models.message import MessageQuerySet
from chat.models.request_queries import HumanRequestQuerySet
from chat.store import sql
from procedures import access
from procedures.models import Run
from procedures.users import User


@dataclass(frozen=True)
class SessionPart:
    """The part of a session that a user may read: the whole session, or some runs and messages."""

    session: Session
    user: User
    is_whole: bool = True
    runs: frozenset[UUID] = field(default_factory=frozenset)
    """The session's runs that the user may see; empty if the user may read the whole session."""
    has_all_runs: bool = True

    @property
    def messages(self) -> MessageQuerySet:
        """The transcript's entries that the user may read."""
        found = Message.objects.filter(session=self.session)
        return found if self.is_whole else found.filter(self._is_concerned() | self._is_between())

    @property
    def cards(self) -> MessageQuerySet:
        """The cards of the runs that the user may see."""
        found = Message.objects.filter(session=self.session).cards()
        return found if self.has_all_runs else found.filter(run__in=self.runs)

    @property
    def requests(self) -> HumanRequestQuerySet:
        """The requests of the runs that the user may see."""
        found = HumanRequest.objects.filter(session=self.session)
        return found if self.has_all_runs else found.filter(wait__run__in=self.runs)

    def find_addressed(self, named: UUID | None) -> tuple[Message | None, HumanRequest | None]:
        """Return the message to which a person replies, and the request that the reply answers.

        `named` is the id of a message, of a run whose card the person replies to, or of a request
        that the reply answers. The request is None in the first two cases; if `named` is None, so
        is the message. Raises `Message.DoesNotExist` if the user may not see what is named.
        """
        if named is None:
            return None, None
        seen = self.messages.select_related("request__wait", "run__procedure", "run__version")
        is_card = Q(run=named, kind=Message.Kind.RUN)
        message = seen.get(Q(pk=named) | Q(request=named) | is_card)
        return message, message.request if message.request_id == named else None

    def _is_concerned(self) -> Q:
        return Q(run__isnull=False) if self.has_all_runs else Q(run__in=self.runs)

    def _is_between(self) -> Q:
        """Return a `Q` for the user's messages, replies to them, and replies to visible runs."""
        reply_to_run = Q(reply_to__run__isnull=False)
        if not self.has_all_runs:
            reply_to_run = Q(reply_to__run__in=self.runs)
        is_own = Q(author=self.user, kind=Message.Kind.PERSON)
        return is_own | Q(reply_to__author=self.user) | reply_to_run


def find_part(user: User | AnonymousUser, session_id: UUID) -> SessionPart | None:
    """Return the part of a session that a user may read, or None if the user may see none of it."""
    if not isinstance(user, User) or not user.is_active:
        return None
    joined = Exists(Member.objects.filter(session=OuterRef("pk"), user=user).order_by())
    found = Session.objects.filter(pk=session_id).annotate(has_joined=joined).first()
    if found is None:
        return None
    if (user.is_superuser and not found.is_private) or found.has_joined:
        return SessionPart(found, user)
    if found.is_private:
        return None
    runs = _runs_of(found, user)
    seen = frozenset(run for run, is_seen in runs.items() if is_seen)
    if not seen:
        return None
    return SessionPart(found, user, is_whole=False, runs=seen, has_all_runs=len(seen) == len(runs))


def _runs_of(session: Session, user: User) -> dict[UUID, bool]:
    """Return for each run of the session, by the run's id, True if the user may see the run."""
    text, cells = sql.runs_of_session.bound(session.pk, session.pk)
    runs = Run.objects.filter(pk__in=RawSQL(text, cells)).order_by()  # noqa: S611
    return dict(runs.annotate(is_seen=access.is_seen_by(user)).values_list("pk", "is_seen"))

"""Durable conversations between people and runs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import connection, models
from django.db.models import Q

from chat.doorbell import ring_after_commit
from chat.models.feed import MOST_FED, FeedEntry, audience
from chat.store import sql
from procedures.engine.values import canonical
from procedures.models import Procedure, Run
from procedures.models.ids import uuid7
from procedures.models.proofs import proof_field, reseal, seal
from procedures.models.tallies import tally_proof
from procedures.store.prepared import Cell
from procedures.store.statements import Statement

if TYPE_CHECKING:
    from procedures.users import User

SAID = "said"
"""The name of the field that holds a session's number of messages.

The field's proof is computed from this name, the session's id and the number.
"""


Whom = Collection[str] | None
"""The assignees of a changed request, before or after the change: `["user:7", "group:3"]`.

None if something other than a request has changed.
"""


class Session(models.Model):
    """A conversation. Its changes are numbered without gaps, in the order of commits."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    last_seq = models.PositiveBigIntegerField(default=0)
    said = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="The number of messages in the session."
    )
    said_proof = models.CharField(max_length=32, blank=True, default="", db_default="")
    is_named = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if a person wrote the title, so that only members may read it.",
    )
    is_private = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if only members may see the session. Its runs have rules of their own.",
    )
    proof = proof_field()
    SEALED: ClassVar = ("id", "title", "created_at", "is_named", "is_private")

    class Meta:
        ordering = ["-id"]
        verbose_name = "chat session"

    def __str__(self) -> str:
        return self.title

    @classmethod
    def new(
        cls,
        title: str,
        *,
        at: datetime,
        said: int = 0,
        is_named: bool = False,
        is_private: bool = False,
    ) -> Self:
        """Return an unsaved session; `said` is the number of messages that it will have."""
        session = cls(title=title, created_at=at, last_seq=said, said=said)
        session.is_named, session.is_private = is_named, is_private
        session.said_proof = tally_proof(SAID, session.pk, session.said)
        seal(session)
        return session

    def count_first(self, messages: int) -> None:
        """Add the number `messages` to the counts of a session that is being opened.

        No lock is needed, because nobody else can know the session yet.
        """
        self.last_seq, self.said = self.last_seq + messages, self.said + messages
        self.said_proof = tally_proof(SAID, self.pk, self.said)
        self.save(update_fields=["last_seq", "said", "said_proof"])

    def rename(self, title: str) -> None:
        self.title, self.is_named = title, True
        self._save("title", "is_named")

    def set_title(self, title: str) -> None:
        """Replace a title that no person wrote."""
        self.title = title[:200]
        self._save("title")

    def set_private(self, *, is_private: bool) -> None:
        """Make the session private or public.

        A private session is visible only to its members. A public session is also visible to
        everybody who may see a run in it. The session must be locked, so that no message is added
        meanwhile.
        """
        self.is_private = is_private
        self._save("is_private")
        sql.hide_feed.execute(self.pk) if is_private else sql.show_feed.execute(self.pk)

    def _save(self, *names: str) -> None:
        reseal(self, *names)
        self.save(update_fields=[*names, "proof"])


def session_of(run: Run) -> UUID:
    """Return the id of the run's session: the one that has the card of the topmost parent run."""
    [(session,)] = sql.session_of_run.fetch(run.top())
    return UUID(str(session))


def record(session: UUID, kind: str, subject: object, *, whom: Whom = None) -> int:
    """Store a change of the session under the session's next number, and return the number.

    `subject` is the id of the object that has changed. The session stays locked until the commit.
    Take this lock after all others.
    """
    if connection.vendor == "postgresql":
        number = _ring(*sql.record_change.fetch(session, kind, str(subject), _kept_whom(whom)))
    else:
        number = _ring(_kept(sql.next_change, session, kind, subject, _kept_whom(whom)))
    _ring_for(whom)
    return number


def record_message(session: UUID, message: UUID, *, whom: Whom = None) -> tuple[int, int]:
    """Store the addition of a message as a change of the session.

    Returns the number of the change, and the number of messages that the session then has. The
    session stays locked until the commit, as after `record`.
    """
    change = ("message", str(message), _kept_whom(whom))
    if connection.vendor == "postgresql":
        [(_, seq, number)] = sql.record_message.fetch(session, *change)
    else:
        [(kept, seq, number)] = sql.next_message.fetch(session)
        sql.insert_change.execute(kept, seq, *change)
    ring_after_commit(f"session:{session}")
    _ring_for(whom)
    return int(seq), int(number)


def record_run(run: Run) -> None:
    """Store a change of the run as a change of the run's session; this locks the session."""
    top = run.top()
    if connection.vendor == "postgresql":
        _ring(*sql.record_change_of_run.fetch(top, "run", str(run.pk), ""))
    else:
        _ring(_kept(sql.next_change_of_run, top, "run", run.pk, ""))


def _kept(
    numbering: Statement, key: UUID, kind: str, subject: object, whom: str
) -> tuple[Cell, int]:
    """Store a change under the session's next number; return the session's id and the number.

    The id is the value that the database returned, which is a text on SQLite.
    """
    [(session, seq)] = numbering.fetch(key)
    sql.insert_change.execute(session, seq, kind, str(subject), whom)
    return session, seq


def _kept_whom(whom: Whom) -> str:
    return "" if whom is None else canonical.text_of(sorted(whom))


def _ring_for(whom: Whom) -> None:
    if whom is not None:
        # The hint contains no names. Its receivers read them from this row, so that no change is
        # announced twice.
        ring_after_commit("inbox")


def _ring(numbered: tuple[Any, ...]) -> int:
    session, seq = numbered
    ring_after_commit(f"session:{UUID(str(session))}")
    return int(seq)


class Member(models.Model):
    """A person who takes part in a session."""

    session = models.ForeignKey(Session, models.CASCADE, db_index=False, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    joined_at = models.DateTimeField()
    in_crowd = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if the session has had so many members that feed entries aren't written "
        "for each member. All members of a session have the same value.",
    )
    proof = proof_field()
    SEALED: ClassVar = ("session", "user", "joined_at")

    class Meta:
        ordering = ["session", "joined_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "user"], name="countersign_one_membership_each"
            )
        ]
        indexes = [
            # This index finds the sessions in which a person is one of a crowd, among thousands of
            # small sessions.
            models.Index(fields=["user"], condition=Q(in_crowd=True), name="countersign_crowds"),
            # This index finds the member who has been in a session longest, among a thousand
            # members.
            models.Index(fields=["session", "joined_at", "id"], name="countersign_joined"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.session}"

    @classmethod
    def new(cls, session: Session, user: "User", *, at: datetime) -> Self:
        """Return an unsaved member."""
        member = cls(session=session, user=user, joined_at=at)
        seal(member)
        return member

    @classmethod
    def join(cls, session: Session, user: "User", *, at: datetime) -> None:
        """Make a person a member, so that the person's lists include the session's runs.

        Calling it twice is harmless. The session must be locked, so that no run is added meanwhile.
        """
        given = {"joined_at": at, "proof": cls.new(session, user, at=at).proof}
        member, is_new = cls.objects.get_or_create(session=session, user=user, defaults=given)
        if is_new:
            sql.share_session.execute(member.pk)
            sql.follow_from_here.execute(user.pk, session.pk)
            if not cls._are_crowd(session):
                sql.join_feed.execute(audience("member", user.pk), session.pk)

    @classmethod
    def join_first(cls, session: Session, people: "Sequence[User]", *, at: datetime) -> None:
        """Make people members of a session that is being opened and has no run.

        No lock is needed, because nobody else can know the session yet.
        """
        Member.objects.bulk_create(Member.new(session, one, at=at) for one in people)
        cls._are_crowd(session)

    def leave(self) -> None:
        """End the membership, and remove the session and its runs from the person's lists.

        The session must be locked. Runs and messages that the person may see for another reason,
        for example because the person started the run, stay visible to the person.
        """
        mine = audience("member", self.user_id)
        FeedEntry.objects.filter(session=self.session_id, audience=mine).delete()
        self.delete()

    @classmethod
    def _are_crowd(cls, session: Session) -> bool:
        """Return True if a session has more than `MOST_FED` members; mark its members as a crowd.

        The members stay a crowd when some of them leave, so that no feed has to be filled again.
        """
        found = cls.objects.filter(session=session).order_by()
        flags = list(found.values_list("in_crowd", flat=True)[: MOST_FED + 1])
        if len(flags) <= MOST_FED and not any(flags):
            return False
        found.filter(in_crowd=False).update(in_crowd=True)
        FeedEntry.objects.filter(session=session, audience__startswith="member:").delete()
        return True


class SharedRun(models.Model):
    """A run that a user may see because the user is a member of the run's session.

    The run was started by somebody else. These rows only make lists faster. The session's members
    and messages decide who may see the run.
    """

    # There is no constraint, so that an operator who deletes a member's row in the database takes
    # the right away.
    member = models.ForeignKey(
        Member, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+"
    )
    procedure = models.ForeignKey(Procedure, models.PROTECT, db_index=False, related_name="+")
    run = models.ForeignKey(Run, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "run"], name="countersign_one_share_each")
        ]
        indexes = [
            models.Index(fields=["user", "procedure", "run"], name="countersign_shared_runs")
        ]

    def __str__(self) -> str:
        return f"{self.run_id} for {self.user_id}"


def share(run: Run, session: UUID) -> None:
    """Add a run to the lists of the members of a session. Calling it twice is harmless."""
    sql.share_run.execute(run.pk, session)


class SessionEvent(models.Model):
    """A numbered change of a session, with the id of the changed object.

    Open pages load the changed object again.
    """

    session = models.ForeignKey(Session, models.CASCADE, db_index=False, related_name="events")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20)
    object = models.CharField(max_length=40, help_text="The id of the changed object.")
    whom = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The assignees of a changed request, before and after, as a JSON list.",
    )

    class Meta:
        ordering = ["session", "seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "seq"], name="countersign_one_change_per_seq"
            )
        ]
        indexes = [
            # Each web process reads this every second, and so learns of changes whose hints were
            # lost.
            models.Index(fields=["id"], condition=~Q(whom=""), name="countersign_changed_requests")
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

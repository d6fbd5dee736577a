"""The entries of a session's transcript."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Prefetch, Q, Subquery

from chat.doorbell import ring_after_commit
from chat.models.feed import audience, audiences_of_message
from chat.models.request import HumanRequest
from chat.models.searchable import Searchable
from chat.models.session import SAID, Member, Session, SessionEvent, record_message, share
from chat.store import sql
from chat.typed import without_marks
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.orders import in_order
from procedures.models import Run
from procedures.models.ids import uuid7
from procedures.models.proofs import proof_field, reseal, seal
from procedures.models.run_queries import values_of
from procedures.models.tallies import tally_proof
from procedures.store.rows import BoundStatement, execute_together, insert_rows

if TYPE_CHECKING:
    from procedures.users import User


HAS_FILES = Q(kind="person") & ~Q(details="")
MARKS = re.compile(r"^[#>\s]+|[*`|]+")
"""Marks of Markdown: those at the beginning of a line, and those of emphasis, code and tables."""


def opener_of(session: str) -> Subquery:
    """Return an expression for the id of the run that opened a session; None if a person did.

    `session` is the lookup from the outer query's row to the session's key.
    """
    cards = Message.objects.cards().filter(session=OuterRef(session)).order_by("seq")
    # SQLite's subqueries return the key of a related row as text, unless the type is given.
    return Subquery(cards.values("run")[:1], output_field=models.UUIDField())


class MessageQuerySet(models.QuerySet["Message"]):
    def for_transcript(self) -> Self:
        """Load everything that a transcript shows, without a query per row.

        Runs, requests and the messages that are replied to are loaded by separate queries,
        because PostgreSQL takes longer to plan one large query than to execute the separate ones.
        """
        runs = Run.objects.select_related("procedure", "started_by", "version", "head")
        answered = Message.objects.select_related("author", "request", "run__procedure")
        return self.select_related("author", "person", "session").prefetch_related(
            Prefetch("run", runs.defer("seed")),
            Prefetch("request", HumanRequest.objects.with_what_is_shown()),
            Prefetch("reply_to", answered.defer(*values_of("run"))),
        )

    def for_lists(self) -> Self:
        """Load what a list of sessions shows of a message, without large values."""
        related = self.select_related(
            *("session", "author", "person", "run__procedure", "reply_to")
        ).prefetch_related(Prefetch("request", HumanRequest.objects.defer("question")))
        return related.defer("reply_to__text", *values_of("run"))

    def with_opener(self) -> Self:
        """Annotate messages with `opener`: the run that opened the session; None for a person."""
        return self.annotate(opener=opener_of("session"))

    def with_files(self) -> Self:
        """Return people's messages that have files."""
        return self.filter(HAS_FILES)

    def cards(self) -> Self:
        """Return the entries that are the card of a run."""
        return self.filter(kind=Message.Kind.RUN)

    def above(self, seq: int | None) -> Self:
        """Return the messages numbered below `seq` in the transcript, or all if `seq` is None."""
        return self.filter(seq__lt=seq) if seq else self


class Message(models.Model):
    """An entry of a transcript.

    An entry of kind `run` is the card of a run. Each run has at most one card, and the session of
    the card is the session of the run. The kinds in `LINES` record what members did with the
    session, for example that they renamed it; only members may read entries of these kinds.
    """

    class Kind(models.TextChoices):
        PERSON = "person"
        RUN = "run"
        REQUEST = "request"
        NOTICE = "notice"
        OPENED = "opened"
        RENAMED = "renamed"
        INVITED = "invited"
        REMOVED = "removed"
        LEFT = "left"
        PRIVATE = "private"
        PUBLIC = "public"
        ERASED = "erased"

    class Delivery(models.TextChoices):
        """The state of a message that was written to a run; "" for all other messages."""

        QUEUED = "queued"
        STEERING = "steering"
        READ = "read"
        UNREAD = "unread"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, db_index=False, related_name="messages")
    seq = models.PositiveBigIntegerField(
        help_text="The number of the session's change that added this message; changes are "
        "numbered in commit order."
    )
    kind = models.CharField(max_length=10, choices=Kind)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="messages"
    )
    run = models.ForeignKey(Run, models.CASCADE, null=True, db_index=False, related_name="messages")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        help_text="The person who was invited or removed, unless the account was deleted.",
    )
    request = models.OneToOneField(
        "countersign_chat.HumanRequest", models.CASCADE, null=True, related_name="message"
    )
    reply_to = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="replies",
        help_text="The message to which this one replies; its readers can read the reply too.",
    )
    text = models.TextField(blank=True)
    level = models.CharField(max_length=10, blank=True, help_text="The severity of an alert.")
    details = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="What was posted besides the text, as JSON: files, or the step that wrote it.",
    )
    at = models.DateTimeField()
    client_key = models.CharField(
        max_length=64,
        blank=True,
        help_text="A key chosen by the sender; sending it again returns the first message.",
    )
    mentioned = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The people whom the text mentions, as a JSON list of pairs: key and name.",
    )

    delivery = models.CharField(
        max_length=10,
        choices=Delivery,
        blank=True,
        default="",
        db_default="",
        help_text="The state of a message to a run: unread if the run ended without reading it.",
    )
    read_at = models.DateTimeField(null=True, help_text="The time at which a run read the message.")

    proof = proof_field()
    SEALED: ClassVar = (
        *("id", "session", "seq", "kind", "author", "run", "person", "request", "reply_to"),
        *("text", "level", "details", "at", "client_key", "mentioned"),
        *("delivery", "read_at"),
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["session", "seq"]
        indexes = [
            models.Index(
                fields=["reply_to"],
                condition=Q(reply_to__isnull=False),
                name="countersign_messages_by_reply",
            ),
            models.Index(
                fields=["session"],
                condition=HAS_FILES,
                name="countersign_sent_files",
            ),
            models.Index(
                fields=["person"],
                condition=Q(person__isnull=False),
                name="countersign_messages_by_person",
            ),
            models.Index(
                fields=["run", "session"],
                condition=Q(run__isnull=False),
                name="countersign_sessions_by_run",
            ),
            models.Index(
                fields=["session", "run"],
                condition=Q(run__isnull=False),
                name="countersign_runs_by_session",
            ),
            models.Index(
                fields=["session", "run"],
                condition=Q(kind="run"),
                name="countersign_cards_by_session",
            ),
            models.Index(
                fields=["session", "author", "kind", "seq", "at"],
                condition=Q(author__isnull=False),
                name="countersign_writers_by_session",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "seq"], name="countersign_one_message_per_seq"
            ),
            models.UniqueConstraint(
                fields=["run"], condition=Q(kind="run"), name="countersign_one_card_per_run"
            ),
            models.UniqueConstraint(
                fields=["author", "client_key"],
                condition=Q(kind="opened") & ~Q(client_key=""),
                name="countersign_one_session_per_client_key",
            ),
            models.UniqueConstraint(
                fields=["session", "author", "client_key"],
                condition=~Q(client_key=""),
                name="countersign_one_message_per_client_key",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:80] or self.kind

    @property
    def mentions(self) -> list[tuple[Any, str]]:
        """The people whom the text mentions: key (as in JSON), and user name when it was sent."""
        return list(map(tuple, json.loads(self.mentioned or "[]")))

    @cached_property
    def posted(self) -> dict[str, Any]:
        """The fields posted besides the text: those of a run's event, or `files` of a person."""
        found: dict[str, Any] = canonical.plain(self.details) if self.details else {}
        if "order" in found:
            found["data"] = in_order(found["data"], found.pop("order"))
        return found

    @property
    def files(self) -> list[File]:
        """The files that a person sent with the message."""
        if self.kind != self.Kind.PERSON:
            return []  # the page of a run shows the files that it names
        return [File(**file) for file in self.posted.get("files", ())]

    @property
    def summary(self) -> str:
        """The text for lists, without Markdown; if a run posted Markdown, only its first line."""
        if self.kind == self.Kind.PERSON:
            return without_marks(self.text) or ", ".join(file.name for file in self.files)
        if not self.posted.get("markdown"):
            return self.text
        line = next((one for one in self.text.splitlines() if one.strip()), "")
        return MARKS.sub("", line).strip()

    @property
    def person_name(self) -> str:
        """The name of the person who was invited or removed by this entry; "" for other entries."""
        if self.kind not in ABOUT_PEOPLE:
            return ""
        return self.person.get_username() if self.person else self.text

    def forget_person(self) -> None:
        """Store the person's name instead of the person, whose account is being deleted."""
        self.text, self.person = self.person_name, None
        reseal(self, "text", "person")
        self.save(update_fields=["text", "person", "proof"])

    @property
    def is_line(self) -> bool:
        """True if the entry records what a member did with the session, such as renaming it."""
        return self.kind in LINES

    def is_between(self, user: "User") -> bool:
        """Return True if the user wrote this message, or the message to which this one replies."""
        is_own = self.kind == self.Kind.PERSON and self.author_id == user.pk
        return is_own or (self.reply_to is not None and self.reply_to.author_id == user.pk)

    def deliver(self, delivery: str, *, read_at: datetime | None = None) -> None:
        """Save `delivery` as the new state of a message that was written to a run."""
        self.delivery, self.read_at = delivery, read_at
        reseal(self, "delivery", "read_at")
        self.save(update_fields=["delivery", "read_at", "proof"])

    def open_session(self, title: str, *, is_private: bool = False) -> None:
        """Insert a new session with this message as its first entry, and the author as a member."""
        is_named = self.kind == self.Kind.OPENED
        session = Session.new(title, at=self.at, said=1, is_named=is_named, is_private=is_private)
        self.session = session
        self.seq = session.last_seq
        seal(self, number=session.said)
        change = SessionEvent(session=session, seq=self.seq, kind="message", object=str(self.pk))
        # The entries are added together. Their numbers need no lock, because nobody else can know
        # the session yet.
        rows: list[models.Model] = [session, change, self]
        members = []
        if self.author:
            rows.insert(1, Member.new(session, self.author, at=self.at))
            members.append(audience("member", self.author_id))
        rows.append(Searchable.of_message(self, title=title))
        insert_rows(rows, also=[self._feed(*members, is_private=is_private)])
        ring_after_commit(f"session:{session.pk}")

    @classmethod
    def add_first(cls, session: Session, lines: Sequence[Self]) -> None:
        """Append entries to a session that is being opened, with a few queries for all entries.

        No lock is needed to number the entries, because nobody else can know the session yet. The
        session must not have a run.
        """
        seq, number = session.last_seq, session.said
        for place, line in enumerate(lines, 1):
            line.session, line.seq = session, seq + place
            seal(line, number=number + place)
        session.count_first(len(lines))
        SessionEvent.objects.bulk_create(
            SessionEvent(session=session, seq=one.seq, kind="message", object=str(one.pk))
            for one in lines
        )
        cls.objects.bulk_create(lines)
        execute_together(cls._feed(lines[-1]))
        ring_after_commit(f"session:{session.pk}")

    def add_to(self, session: UUID) -> None:
        """Append the message to a session's transcript; like `record`, this locks the session.

        To save database queries, the query that inserts the message also stores the proof of the
        session's message count, and makes the message the newest one in the feed.
        """
        self.session_id = session
        # This comes before the seal, which covers the number. It locks the session, so that no
        # other message gets the same number.
        whom = self.request.assignees if self.request else None
        self.seq, number = record_message(session, self.pk, whom=whom)
        seal(self, number=number)
        sealed = sql.seal_said.bound(tally_proof(SAID, session, number), session)
        # The search doesn't find entries about what members did. A new title has a text of its own.
        texts = [] if self.is_line else [Searchable.of_message(self)]
        insert_rows([self, *texts], also=[sealed, self._feed()])
        # The first message of a session shows the run of its only member, who sees that run anyway.
        # Every other run has its card in the session first, except for children; children of a map
        # have no card.
        if self.run and number > 1 and (self.kind == self.Kind.RUN or self.run.parent_wait_id):
            share(self.run, session)

    def _feed(self, *members: str, is_private: bool = False) -> BoundStatement:
        """Return the SQL statement that makes this message the newest one for its audiences.

        `members` are the audiences of the members that the same statements insert, such as
        "member:7". `is_private` is true if the same statements insert the session and the session
        is private.
        """
        replied_to = self.reply_to.run_id if self.reply_to else None
        named = sorted(audiences_of_message(self).union(members))
        here = self.session_id
        place = (here, is_private, here, self.pk, self.seq)
        return sql.feed.bound(*place, named, here, here, self.run_id, replied_to)


ABOUT_PEOPLE = frozenset({Message.Kind.INVITED, Message.Kind.REMOVED})
"""The kinds of entries that are about somebody other than their author."""
LINES = frozenset(
    {
        *(Message.Kind.OPENED, Message.Kind.RENAMED, Message.Kind.INVITED, Message.Kind.REMOVED),
        *(Message.Kind.LEFT, Message.Kind.PRIVATE, Message.Kind.PUBLIC, Message.Kind.ERASED),
    }
)
"""The kinds of entries that record what members did with the session, such as renaming it."""

"""Questions that runs ask people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from chat.models.assignment import Assignment, names_in
from chat.models.history import HISTORY, RequestEvent, new_event
from chat.models.request_queries import HumanRequestQuerySet
from chat.models.rights import Right, right_of
from chat.models.session import Session
from chat.store import sql
from procedures.engine.kinds.kind import Outcome, find_kind
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.models import Wait
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.models.proofs import proof_field, reseal, seal
from procedures.store.rows import insert_row, insert_rows

if TYPE_CHECKING:
    from chat.models.response import HumanResponse
    from procedures.users import User

SOON = 0.25
"""The share of the time to answer during which an answer counts as needed soon.

The value 0.25 means the last quarter of the time from the request's opening to `needed_at`.
"""
ORIGINAL = "shown"
"""The mark of the original values: those that the run asked about, before anybody changed them."""


def proposal_after(change: "HumanResponse | None") -> str:
    """Return the mark of the values that are proposed after `change`.

    `change` is the vote that changed the values; its primary key is the mark. If `change` is None,
    the mark is `ORIGINAL`.
    """
    return str(change.pk) if change else ORIGINAL


class HumanRequest(models.Model):
    """A question that a run asks people, and its outcome."""

    class Status(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        EXPIRED = "expired"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    wait = models.OneToOneField(Wait, models.CASCADE, related_name="request")
    session = models.ForeignKey(Session, models.CASCADE, related_name="requests")
    kind = models.CharField(max_length=40)
    prompt = models.TextField()
    question = models.TextField(help_text="The whole question as it is shown, as canonical JSON.")
    note = models.TextField(
        blank=True, help_text="The reason why more people are asked than the code assigned."
    )
    assigned = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The assignees as a canonical JSON list: user:ID, group:ID or perm:NAME.",
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    outcome = models.CharField(
        max_length=20, choices=[(one.value, one.value) for one in Outcome], blank=True
    )
    is_unasked = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if the request has no assignment, so that nobody is asked.",
    )
    version = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=254, blank=True)
    closed_why = models.TextField(
        blank=True, help_text="The reason why the question was withdrawn."
    )
    notify_at = models.DateTimeField(null=True, help_text="The next time to check whom to notify.")
    due_at = models.DateTimeField(null=True, help_text="The time by which people should answer.")
    needed_at = models.DateTimeField(
        null=True, help_text="The earlier of the deadline and `due_at`, by which lists are ordered."
    )
    next_at = models.DateTimeField(
        null=True, help_text="The time of the next reminder or escalation."
    )
    reminded = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The number of the last reminder."
    )
    escalated = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="The number of the last escalation."
    )
    four_eyes = models.BooleanField(default=False, db_default=False)
    quorum = models.PositiveSmallIntegerField(default=1, db_default=1)
    risk = models.CharField(max_length=6, default="normal", db_default="normal")
    rank = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,
        help_text="The rank of the request's risk; the highest risk has rank 0.",
    )
    gist = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The line below the prompt in lists.",
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    effective_at = models.DateTimeField(
        null=True, help_text="The time from which a held answer can't be undone any more."
    )
    history = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The number of entries in its history."
    )
    history_head = models.CharField(max_length=64, blank=True, default="", db_default="")
    history_proof = models.CharField(max_length=32, blank=True, default="", db_default="")

    proof = proof_field()
    SEALED: ClassVar = (
        *("id", "wait", "session", "kind", "prompt", "question", "note", "assigned", "opened_at"),
        *("due_at", "needed_at", "four_eyes", "quorum", "risk", "rank", "gist"),
    )

    objects = HumanRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("operate_request", "Can withdraw and reassign requests")]
        indexes = [
            models.Index(fields=["status", "id"], name="countersign_requests_by_status"),
            models.Index(
                fields=["session"],
                condition=Q(status="open"),
                name="countersign_open_by_session",
            ),
            models.Index(
                fields=["notify_at"],
                condition=Q(status="open"),
                name="countersign_requests_to_notify",
            ),
            models.Index(
                fields=["claimed_by", "needed_at", "rank", "id"],
                condition=Q(status="open", claimed_by__isnull=False),
                name="countersign_claimed_requests",
            ),
            models.Index(
                fields=["next_at"],
                condition=Q(status="open", next_at__isnull=False),
                name="countersign_requests_to_remind",
            ),
            models.Index(
                fields=["needed_at", "rank", "id"],
                condition=Q(status="open"),
                name="countersign_open_by_urgency",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status="open", is_unasked=True),
                name="countersign_unasked_requests",
            ),
        ]

    def __str__(self) -> str:
        return self.prompt[:80]

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def urgency(self) -> tuple[float, int, UUID]:
        """The key by which `by_urgency` orders requests."""
        needed = self.needed_at.timestamp() if self.needed_at else inf
        return needed, self.rank, self.pk

    @property
    def soon_at(self) -> datetime | None:
        """The time at which an answer starts to be needed soon; None if `needed_at` is None."""
        needed = self.needed_at
        return needed and needed - SOON * (needed - self.opened_at)

    @property
    def assignees(self) -> list[str]:
        """The assignees as a list, such as `["user:7", "group:3"]`."""
        return names_in(self.assigned)

    @property
    def asked(self) -> Question:
        return Question.from_json(canonical.plain(self.question))

    @property
    def may_take_votes(self) -> bool:
        """True if the request can stay open after an answer, so that other people answer, too."""
        return self.quorum > 1 or self.four_eyes

    @property
    def may_take_changes(self) -> bool:
        """True if an answer that changes the proposed values is a vote for the changed values."""
        return self.may_take_votes and find_kind(self.kind).goes_back

    @property
    def counted_responses(self) -> "list[HumanResponse]":
        """The responses that still count, in the order of `responses`.

        They weren't undone, and no vote for changed values has made them invalid.
        """
        return [one for one in self.responses.all() if one.undone_at is None]

    @property
    def change(self) -> "HumanResponse | None":
        """The vote that changed the values proposed by the open request; None if no vote has."""
        if not (self.is_open and self.may_take_changes):  # so the responses aren't read in vain
            return None
        return self.change_among(self.counted_responses)

    def change_among(self, votes: "Iterable[HumanResponse]") -> "HumanResponse | None":
        """Return the first of these votes with other values than the original ones, or None."""
        if not self.may_take_changes:
            return None
        asked = self.asked
        edited = (one for one in votes if one.outcome_of(asked) == Outcome.EDITED)
        return next(edited, None)

    @property
    def offered(self) -> Question:
        """The question with the values that are proposed now, which somebody may have changed."""
        return self.offered_after(self.change)

    def offered_after(self, change: "HumanResponse | None") -> Question:
        asked = self.asked
        return asked.rules.changed_by(asked, change.plain_value) if change else asked

    @property
    def proposal(self) -> str:
        """The mark of the values that the open request proposes now; see `proposal_after`."""
        return proposal_after(self.change)

    def asks(self, user: "User") -> bool:
        """Return True if a user has a right to answer the request; see `right_of`."""
        return self.right_of(user) is not None

    def right_of(
        self, user: "User", *, now: datetime | None = None, is_in_browser: bool = True
    ) -> "Right | None":
        """Return the right by which a user may answer the request, or None; see `rights`."""
        return right_of(self, user, now=now or clock.now(), is_in_browser=is_in_browser)

    def insert(self, assignments: "Sequence[Assignment]") -> None:
        """Insert a new request with its assignments, and the first entry of its history."""
        self.assigned = canonical.text_of([one.whom for one in assignments])
        self.is_unasked = not assignments
        facts = {"to": [str(one) for one in assignments], "program": self.wait.run.program}
        created = new_event(
            self, RequestEvent.Kind.CREATED, at=self.opened_at, name="system", facts=facts
        )
        seal(self)
        insert_rows([self, created])
        self._ask(assignments)

    def _ask(self, assignments: "Iterable[Assignment]") -> None:
        for assignment in assignments:
            assignment.request, assignment.run = self, self.wait.run
            assignment.procedure_id = self.wait.run.procedure_id
            assignment.due_at, assignment.rank = self.needed_at, self.rank
            seal(assignment)
            asked = sql.add_run_audience.bound(self.wait.run_id, assignment.audience)
            insert_row(assignment, also=[asked])

    def reassign(self, assignment: "Assignment", *, notify_at: datetime | None) -> None:
        """Replace all assignments with the given one.

        The assignee is notified at `notify_at`, unless the assignee has a page open at that time.
        The request's version increases, so that open pages load its form again.
        """
        self.assignments.all().delete()
        self.claimed_by = None
        self.assigned = canonical.text_of([assignment.whom])
        self.is_unasked = False
        self._ask([assignment])
        self._note("", notify_at=notify_at)

    def ask_too(
        self, assignments: "Sequence[Assignment]", *, note: str, notify_at: datetime | None
    ) -> None:
        """Add assignments to the existing ones, and store `note`, which says why they were added.

        The people who are added are notified at `notify_at`.
        """
        # Rows from before this field existed hold "" for an unknown list. It must stay "", because
        # a list of only the new names would be wrong.
        if self.assigned:
            also = [one.whom for one in assignments]
            self.assigned = canonical.text_of([*self.assignees, *also])
        self.is_unasked = self.is_unasked and not assignments
        self._ask(assignments)
        self._note(note, notify_at=notify_at)

    def _note(self, note: str, *, notify_at: datetime | None) -> None:
        self.note, self.notify_at, self.version = note, notify_at, self.version + 1
        reseal(self, "note", "assigned")
        changed = ["note", "assigned", "is_unasked", "notify_at", "version", "proof"]
        changed += ["claimed_by", *HISTORY]
        self.save(update_fields=changed)

    def drop_note(self, rest: str = "") -> None:
        """Remove the note, except for `rest`."""
        self.note = rest
        self.seal_note()
        self.save(update_fields=["note", "proof"])

    def seal_note(self) -> None:
        """Compute the request's seal again after a change of the note; don't save the request."""
        reseal(self, "note")

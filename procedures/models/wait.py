"""Waits of runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, When
from django.utils.functional import cached_property

from procedures.engine.lifecycle.sets import DETACHED_KINDS
from procedures.engine.values import canonical
from procedures.models.event import Event
from procedures.models.run import Run
from procedures.models.run_queries import RunQuerySet
from procedures.store.rows import save_columns

HELD = ("held", "held_at", "effective_at", "held_for")
"""The fields of a wait that describe a held answer; closing the wait empties them."""


class WaitQuerySet(models.QuerySet["Wait"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def on_children(self) -> Self:
        return self.filter(kind__in=DETACHED_KINDS)

    def behind(self) -> Self:
        """Return the open waits of `ctx.map` for which children are still to be started.

        Not all children fitted into one transaction.
        """
        return self.open().filter(is_behind=True)

    def with_reasons(self) -> Self:
        """Load the authors' reasons of timers and signals in the same query as the waits."""
        opening = Event.objects.filter(run=OuterRef("run"), seq=OuterRef("opened_seq"))
        timed = When(kind__in=[Wait.Kind.TIMER, Wait.Kind.SIGNAL], then=opening.values("data")[:1])
        return self.annotate(opened_with=Case(timed, default=None))

    def undecided(self) -> Self:
        """Return open waits that no held answer decides.

        A held answer decides the wait that it answers, and waits of the same set that become
        unneeded.
        """
        return self.open().filter(held_at=None, held_for=None)

    def due(self, now: datetime) -> Self:
        return self.undecided().filter(due_at__lte=now)

    def to_settle(self, now: datetime) -> Self:
        """Return waits with a held answer that takes effect now: the time to undo it is over."""
        return self.open().filter(effective_at__lte=now)


class Wait(models.Model):
    """A wait of a run: for people, a time, a signal, other runs, or a set of such waits."""

    class Kind(models.TextChoices):
        REQUEST = "request"
        TIMER = "timer"
        SIGNAL = "signal"
        CHILD = "child"
        MAP = "map"
        SET = "set"

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="waits")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=200)
    opened_seq = models.PositiveBigIntegerField(
        help_text="The number of the event that opened the wait."
    )
    due_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    signal = models.CharField(
        max_length=100, blank=True, help_text="The name of the awaited signal."
    )
    need = models.PositiveIntegerField(
        null=True, help_text="How many waits of a set must close before the set closes."
    )
    begun = models.PositiveIntegerField(default=0, help_text="The number of children started.")
    ended = models.PositiveIntegerField(default=0, help_text="The number of children ended.")
    is_behind = models.BooleanField(
        default=False, help_text="True if a ctx.map has more children to start."
    )
    abandons = models.BooleanField(
        default=False,
        db_default=False,
        help_text="True if the children continue when the run ends.",
    )
    part_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="parts")
    held = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The content with which the wait closes when the held answer takes effect, as "
        "canonical JSON; empty if no answer is held.",
    )
    held_at = models.DateTimeField(
        null=True, help_text="The time at which the held answer was given."
    )
    effective_at = models.DateTimeField(
        null=True, help_text="The time from which the held answer can't be undone."
    )
    held_for = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The wait whose held answer makes this one unneeded.",
    )

    objects = WaitQuerySet.as_manager()

    class Meta:
        ordering = ["run", "opened_seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "opened_seq"], name="countersign_one_wait_per_opening"
            ),
            models.UniqueConstraint(
                fields=["run", "key"],
                condition=Q(closed_at=None),
                name="countersign_one_open_wait_per_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(closed_at=None), name="countersign_waits_by_due"
            ),
            models.Index(
                fields=["effective_at"],
                condition=Q(closed_at=None, effective_at__isnull=False),
                name="countersign_held_answers",
            ),
            models.Index(
                fields=["held_for"],
                condition=Q(held_for__isnull=False),
                name="countersign_waits_held_behind",
            ),
            models.Index(
                fields=["id"],
                condition=Q(closed_at=None, is_behind=True),
                name="countersign_maps_behind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_undecided(self) -> bool:
        return self.is_open and self.held_at is None and self.held_for_id is None

    def rivals(self) -> list["Wait"]:
        """Return the other undecided waits of this wait's set, which an answer may make unneeded.

        Returns [] if the set needs all its undecided waits, or if the wait isn't part of an open
        set.
        """
        whole = self.part_of
        if whole is None or not whole.is_open or not self.is_undecided:
            return []
        parts = [part for part in whole.parts.all() if part.is_undecided]
        closed = len(whole.parts.all()) - len(parts)
        return (
            [part for part in parts if part != self]
            if (whole.need or 0) - closed < len(parts)
            else []
        )

    def gather(self, keys: Sequence[str]) -> None:
        """Add the newest wait of each key to this wait, which is a set."""
        same = Wait.objects.filter(run_id=self.run_id, key__in=keys)
        # The run may have waited for a key before, for example before a retry: the last one in
        # order counts.
        newest = {wait.key: wait.pk for wait in same.order_by("opened_seq")}
        Wait.objects.filter(pk__in=newest.values()).update(part_of=self)

    def is_due(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at <= now

    @property
    def reason(self) -> str:
        """The author's reason for a timer or a signal; "" unless `with_reasons` has loaded it."""
        text = getattr(self, "opened_with", None)
        return str(canonical.plain(text).get("reason", "")) if text else ""

    def opening(self) -> dict[str, Any]:
        """Return the data of the event that opened this wait."""
        return self._opened.content

    @cached_property
    def _opened(self) -> Event:
        return Event.objects.get(run_id=self.run_id, seq=self.opened_seq)

    def newest_without(self, status: str) -> RunQuerySet:
        """Lock and return the newest child for each place that has no child with this status.

        A place is the number of an input of a `ctx.map`. After a retry, a place has several
        children.
        """
        done = self.children.filter(status=status).values("parent_number")
        newest = self.children.filter(parent_number=OuterRef("parent_number")).order_by("-pk")
        left = self.children.exclude(parent_number__in=done)
        return left.filter(pk=Subquery(newest.values("pk")[:1])).locked().order_by("pk")

    def reopen(self) -> None:
        """Reopen the wait because its failed children are being retried."""
        self.outcome, self.closed_at = "", None
        self.save(update_fields=["outcome", "closed_at"])

    def close(self, outcome: str, *, at: datetime) -> None:
        self.outcome, self.closed_at = outcome, at
        self.held, self.held_at, self.effective_at, self.held_for = "", None, None, None
        # The end that closes a map has also changed the map's count, which would be lost otherwise.
        save_columns(self, ("outcome", "closed_at", "ended", *HELD))

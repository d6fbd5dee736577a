"""Answers, operations and other things sent to a run, stored before a worker journals them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.lifecycle.children import CHILD_ENDED
from procedures.engine.lifecycle.claim import BROUGHT
from procedures.engine.lifecycle.deliveries import SENT
from procedures.engine.values import canonical
from procedures.models.event import NAMES_CONTENTS
from procedures.models.proofs import proof_field, reseal, seal
from procedures.models.run import Run
from procedures.models.tallies import next_heard
from procedures.models.wait import Wait
from procedures.store import sql
from procedures.store.rows import insert_row


class RunInputQuerySet(models.QuerySet["RunInput"]):
    def untaken(self) -> Self:
        return self.filter(taken_at=None).order_by("pk")

    def child_ends(self) -> Self:
        """Return the rows that report the end of a child run."""
        return self.filter(kind=RunInput.CHILD_ENDED)

    def tell(
        self, run: Run, payload: Mapping[str, Any], *, step: str = "", at: datetime | None = None
    ) -> None:
        """Store an operation on the run as a `RunInput`; this locks the run.

        The run's next worker writes the operation into the journal. `payload` is the content of the
        event, and `step` is the key of the step or wait that the operation is about.
        """
        event = NewEvent(EventKind.OPERATOR, step, payload["action"], dict(payload))
        self.keep(run.pk, event, at=at, number=next_heard(run.pk))

    def keep(
        self,
        run: UUID,
        event: NewEvent,
        *,
        wait: "Wait | None" = None,
        at: datetime | None = None,
        number: int = 0,
    ) -> None:
        """Store a `RunInput` of the run.

        `event` is the event that the run's next worker writes into the journal. `wait` is the wait
        that counts the row, if the row reports the end of a child. `at` is the time of the row, by
        default now. `number` is the number of the row if it is a signal or an operation, which are
        counted, else 0.
        """
        row = RunInput(
            run_id=run,
            wait=wait,
            kind=event.kind,
            key=event.key,
            name=event.name,
            data=canonical.text_of(event.data),
        )
        # The number is set before the seal, which covers it.
        row.created_at = at or row.created_at
        seal(row, number=number)
        insert_row(row)

    def note_brought(self, some: "Sequence[RunInput]", *, at: datetime) -> None:
        """Record when these rows, which other runs have sent, were delivered.

        No event records that time, so it is sealed in the proof of the row.
        """
        for one in some:
            one.taken_at = at
            reseal(one, "taken_at")
        if not some:
            return
        lines = [{"id": one.pk, "proof": one.proof} for one in some]
        sql.bring_inputs.execute(at, canonical.text_of(lines))

    def set_aside(self, ends: "Sequence[RunInput]", *, at: datetime) -> None:
        """Detach these ends of children from their wait, so that the wait doesn't count them."""
        for end in ends:
            end.wait, end.taken_at = None, end.taken_at or at
            reseal(end, "wait", "taken_at")
        self.bulk_update(ends, ["wait", "taken_at", "proof"])


class RunInput(models.Model):
    """Something that was sent to a run or done to it, stored before a worker journals it."""

    CHILD_ENDED, SENT, BROUGHT = CHILD_ENDED, SENT, BROUGHT

    run = models.ForeignKey(Run, models.CASCADE, related_name="run_inputs")
    wait = models.ForeignKey(
        Wait,
        models.CASCADE,
        null=True,
        db_index=False,
        related_name="child_ends",
        help_text="For an input that reports a child's end: the wait that counts it.",
    )
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    data = models.TextField(help_text="Canonical JSON.")
    created_at = models.DateTimeField(default=timezone.now)
    taken_at = models.DateTimeField(null=True)
    proof = proof_field()
    SEALED: ClassVar = ("run", "wait", "kind", "key", "name", "data", "created_at")

    objects = RunInputQuerySet.as_manager()

    class Meta:
        ordering = ["run", "pk"]
        indexes = [
            models.Index(
                fields=["run"], condition=Q(taken_at=None), name="countersign_untaken_inputs"
            ),
            models.Index(
                fields=["wait", "name"],
                condition=Q(wait__isnull=False),
                name="countersign_ends_of_children",
            ),
            models.Index(
                fields=["id"], condition=NAMES_CONTENTS, name="countersign_inputs_with_files"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def content(self) -> dict[str, Any]:
        return canonical.plain(self.data)

    @property
    def sealed_fields(self) -> tuple[str, ...]:
        """The fields that the row's proof covers.

        They include `taken_at` for rows that are never journaled, because no event records that
        time.
        """
        return (*self.SEALED, "taken_at") if self.kind in self.BROUGHT else self.SEALED

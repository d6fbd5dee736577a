"""The heads of runs' journals, to which workers append."""

from typing import Self
from uuid import UUID

from django.db import models

from procedures.store import sql
from procedures.store.rows import BoundStatement, execute_together, save_columns, update_of


class Head(models.Model):
    """The last event of a run's journal, and the epoch of the claim that may write more events.

    Each step updates the head. The head is a row of its own, because the row of the run is wide and
    has many indexes. Whoever locks both rows locks the row of the run first.
    """

    run = models.OneToOneField(
        "countersign_procedures.Run",
        models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="head",
    )
    epoch = models.PositiveIntegerField(
        default=0, help_text="The number of the claim whose worker may write; 0 while none may."
    )
    claims = models.PositiveSmallIntegerField(
        default=0, help_text="The number of successive claims without progress."
    )
    seq = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"

    @classmethod
    def lock_for_claim(cls, run_id: UUID, epoch: int, *, also: BoundStatement) -> Self:
        """Lock a run's head, set the epoch of a new claim in the head, and return the head.

        From then on, the workers of earlier claims can't write into the journal. `also` is the
        UPDATE of the run's row, with its parameters; PostgreSQL executes both in one query.
        """
        for cells in execute_together(also, sql.hold_head.bound(epoch, run_id)).fetchall():
            return cls(*cells)
        raise cls.DoesNotExist(f"The record of the last event of run {run_id} is missing.")

    @classmethod
    def lock(cls, run_id: UUID) -> None:
        """Lock a run's head, so that the run's worker can't write events until the commit.

        The caller has locked the row of the run before.
        """
        cls.objects.select_for_update(no_key=True).get(pk=run_id)

    def move(self, seq: int, mark: str) -> BoundStatement:
        """Move the head to the last event that a claim has written from a `RunInput`.

        Such an event is progress, so the count of claims without progress begins again, with this
        claim as the first. `seq` is the number of the event, and `mark` is its hash. Returns the
        UPDATE that saves the head, with its parameters.
        """
        self.seq, self.hash, self.claims = seq, mark, 1
        return update_of(self, ("seq", "hash", "claims"))

    def revoke_lease(self) -> None:
        """Revoke the lease of the run's worker.

        The claim of this worker still counts towards the poison limit.
        """
        self.epoch = 0
        save_columns(self, ("epoch",))

    def park(self) -> None:
        self.epoch = self.claims = 0
        save_columns(self, ("epoch", "claims"))

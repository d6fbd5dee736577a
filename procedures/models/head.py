"""The heads of runs' journals, to which workers append."""

from typing import Self
from uuid import UUID

from django.db import models

from procedures.store import sql
from procedures.store.rows import Said, execute_together, save_columns, update_of


class Head(models.Model):
    """The last event of a run's journal and the epoch of its writer, updated by each step.

    It is a row of its own, because the run's row is wide and has many indexes. It is locked after
    the run's row.
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
    def held(cls, run_id: UUID, epoch: int, *, also: Said) -> Self:
        """Lock a run's head, set a new worker's epoch in it, and return it.

        From then on, earlier workers can't write. `also` is the update of the run's row, which
        PostgreSQL executes in the same statement.
        """
        for cells in execute_together(also, sql.hold_head.said(epoch, run_id)).fetchall():
            return cls(*cells)
        raise cls.DoesNotExist(f"The record of the last event of run {run_id} is missing.")

    @classmethod
    def lock(cls, run_id: UUID) -> None:
        """Lock a run's head, after the run's row; the run's worker can't write until the commit."""
        cls.objects.select_for_update(no_key=True).get(pk=run_id)

    def move(self, seq: int, mark: str) -> Said:
        """Move the head to the last journaled input; reset the count of claims without progress.

        Returns the statement that saves it.
        """
        self.seq, self.hash, self.claims = seq, mark, 1
        return update_of(self, ("seq", "hash", "claims"))

    def revoke_lease(self) -> None:
        """Revoke the worker's lease; its claim still counts towards the poison limit."""
        self.epoch = 0
        save_columns(self, ("epoch",))

    def park(self) -> None:
        self.epoch = self.claims = 0
        save_columns(self, ("epoch", "claims"))

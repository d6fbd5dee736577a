"""The ends of the journals of runs."""

from typing import Self
from uuid import UUID

from django.db import models

from procedures.store import sql
from procedures.store.rows import insert_row, save_columns


class Head(models.Model):
    """The last event of a run's journal and the epoch of its writer, which each step changes.

    It is separate from the run, whose row is wide and has many indexes, and is locked after it.
    """

    run = models.OneToOneField(
        "countersign_procedures.Run",
        models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="head",
    )
    epoch = models.PositiveIntegerField(
        default=0, help_text="The run's, which fences off others; 0 while nobody holds it."
    )
    claims = models.PositiveSmallIntegerField(default=0, help_text="In a row without progress.")
    seq = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"

    @classmethod
    def held(cls, run_id: UUID, epoch: int) -> Self:
        """Lock a run's head for its new worker; earlier workers can't write any more."""
        for cells in sql.hold_head.fetch(epoch, run_id):
            return cls(*cells)
        raise cls.DoesNotExist(f"Run {run_id} has no head.")

    @classmethod
    def lock(cls, run_id: UUID) -> None:
        """Lock a locked run's head: its worker keeps nothing more until the transaction ends."""
        cls.objects.select_for_update(no_key=True).get(pk=run_id)

    def begin(self) -> None:
        insert_row(self)

    def move(self, seq: int, mark: str) -> None:
        """Move the head to inputs from outside, and count claims in vain anew."""
        self.seq, self.hash, self.claims = seq, mark, 1
        save_columns(self, ("seq", "hash", "claims"))

    def revoke_lease(self) -> None:
        """Revoke its worker's lease; the claim still counts."""
        self.epoch = 0
        save_columns(self, ("epoch",))

    def park(self) -> None:
        self.epoch = self.claims = 0
        save_columns(self, ("epoch", "claims"))

"""Where the journals of runs end."""

from typing import Self
from uuid import UUID

from django.db import models

from procedures.store import sql
from procedures.store.rows import insert_row, save_columns


class Head(models.Model):
    """The last event of a run's journal, and who may write the next: what each step changes.

    Apart from the run, whose row is wide and has many indexes. Locked after it.
    """

    run = models.OneToOneField(
        "procedures.Run",
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
        """A run's, locked, now that a worker has it: whoever had it before writes nothing more."""
        for cells in sql.hold_head.fetch(epoch, run_id):
            return cls(*cells)
        raise cls.DoesNotExist(f"Run {run_id} has no head.")

    @classmethod
    def lock(cls, run_id: UUID) -> None:
        """A locked run's: its worker keeps nothing more until the end of the transaction."""
        cls.objects.select_for_update(no_key=True).get(pk=run_id)

    def begin(self) -> None:
        insert_row(self)

    def move(self, seq: int, mark: str) -> None:
        """To what has come from outside: the claims in vain are counted anew."""
        self.seq, self.hash, self.claims = seq, mark, 1
        save_columns(self, ("seq", "hash", "claims"))

    def revoke_lease(self) -> None:
        """Take it from its worker; the claim counts."""
        self.epoch = 0
        save_columns(self, ("epoch",))

    def park(self) -> None:
        self.epoch = self.claims = 0
        save_columns(self, ("epoch", "claims"))

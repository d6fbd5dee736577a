"""The heads of runs' journals, to which workers append."""

from typing import Self
from uuid import UUID

from django.db import models

from procedures.store import sql
from procedures.store.rows import save_columns


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
    def lock(cls, run_id: UUID) -> Self:
        """Lock and return a run's head, so that the run's worker can't write until the commit.

        The caller has locked the row of the run before.
        """
        for (head,) in sql.lock_head.rows(run_id):
            return head  # type: ignore[no-any-return]
        raise cls.DoesNotExist(f"The record of the last event of run {run_id} is missing.")

    def revoke_lease(self) -> None:
        """Revoke the lease of the run's worker.

        The claim of this worker still counts towards the poison limit.
        """
        self.epoch = 0
        save_columns(self, ("epoch",))

    def park(self) -> None:
        self.epoch = self.claims = 0
        save_columns(self, ("epoch", "claims"))

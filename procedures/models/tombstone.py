"""Tombstones, which remain of runs whose records were removed."""

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as lazy

from procedures.models.installation import Installation
from procedures.models.procedure import Procedure
from procedures.models.proofs import proof_field, seal
from procedures.models.run import Run
from procedures.models.tallies import tally_proof

REMOVED = "removed"
"""The name of the site's count of tombstones, under which the count is sealed."""
OWNER = "site"


class Tombstone(models.Model):
    """A run whose record was removed: what it was, how it ended, and the head of its journal.

    With the number and the hash of the journal's last event, a copy that somebody has kept can
    still be told from a forged one. Tombstones are numbered and sealed, so that a changed or a
    missing one is found.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    top = models.UUIDField(help_text=lazy("The id of the run's topmost ancestor."))
    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="tombstones")
    version = models.CharField(max_length=12)
    # No foreign key: the tombstone says who it was after an account has been deleted.
    started_by = models.CharField(
        max_length=64, blank=True, help_text=lazy("The id of the user who started the run.")
    )
    status = models.CharField(max_length=12)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    head_seq = models.PositiveBigIntegerField(help_text=lazy("The number of events."))
    head_hash = models.CharField(max_length=64)
    removed_at = models.DateTimeField()
    days = models.PositiveIntegerField(help_text=lazy("The retention, in days."))
    proof = proof_field()
    SEALED: ClassVar = (
        *("id", "top", "procedure", "version", "started_by", "status", "created_at", "ended_at"),
        *("head_seq", "head_hash", "removed_at", "days"),
    )

    class Meta:
        ordering = ["-id"]
        verbose_name, verbose_name_plural = lazy("removed run"), lazy("removed runs")

    def __str__(self) -> str:
        return f"{self.procedure} {str(self.pk)[-8:]}"

    @classmethod
    def of(cls, run: Run, **given: object) -> Self:
        """Return an unsaved tombstone of a run, without its proof."""
        assert run.ended_at
        return cls(
            pk=run.pk,
            procedure_id=run.procedure_id,
            version=run.version.version,
            started_by="" if run.started_by_id is None else str(run.started_by_id),
            status=run.status,
            created_at=run.created_at,
            ended_at=run.ended_at,
            head_seq=run.head.seq,
            head_hash=run.head.hash,
            **given,
        )

    @classmethod
    def insert(cls, rows: "list[Self]") -> None:
        """Insert tombstones with their numbers and seals, and store the new count.

        The row of the site is locked until the commit.
        """
        Installation.current()
        site = Installation.objects.select_for_update(no_key=True).get()
        for number, row in enumerate(rows, site.removed + 1):
            seal(row, number=number)
        cls.objects.bulk_create(rows)
        count = site.removed + len(rows)
        proof = tally_proof(REMOVED, OWNER, count)
        Installation.objects.filter(pk=site.pk).update(removed=count, removed_proof=proof)

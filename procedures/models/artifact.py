"""Files of runs."""

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from procedures.engine.values.files import File
from procedures.models.proofs import proof_field, seal
from procedures.models.run import Run


class Artifact(models.Model):
    """A file that a run was given or has made.

    The file store holds the content, under the digest of the file.
    """

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="artifacts")
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content.")
    size = models.PositiveBigIntegerField(help_text="The size in bytes.")
    content_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)
    proof = proof_field()
    SEALED: ClassVar = ("run", "name", "digest", "size", "content_type", "created_at")

    class Meta:
        ordering = ["run", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "name", "digest"], name="countersign_one_artifact_each"
            )
        ]
        indexes = [models.Index(fields=["digest"], name="countersign_artifact_digests")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, run: Run, file: File) -> Self:
        """Return an unsaved row for a file of the run."""
        row = cls(run=run, **vars(file))
        seal(row)
        return row

    def as_file(self) -> File:
        return File(self.name, self.digest, self.size, self.content_type)

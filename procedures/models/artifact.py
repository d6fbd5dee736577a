"""Files of runs."""

from django.db import models

from procedures.engine.files import File
from procedures.models.run import Run


class Artifact(models.Model):
    """A file that a run was given or has made; the content lies in the storage under its digest."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="artifacts")
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    content_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "digest"], name="one_artifact_each")
        ]

    def __str__(self) -> str:
        return self.name

    def as_file(self) -> File:
        return File(self.name, self.digest, self.size, self.content_type)

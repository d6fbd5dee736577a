"""The runs on which an operation is performed, if somebody chose them all by a filter."""

from typing import Self
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as lazy

from procedures.inlined import Inlined

IS_LEFT = models.Q(outcome="")


class ChosenRunQuerySet(models.QuerySet["ChosenRun"]):
    def of(self, job: UUID) -> Self:
        return self.filter(job=job)

    def left(self) -> Self:
        """Return the runs that the job hasn't handled yet, parents before their children."""
        return self.filter(Inlined(IS_LEFT)).order_by("run")


class ChosenRun(models.Model):
    """A run on which a job performs an operation, with the outcome; deleted after the job."""

    class Outcome(models.TextChoices):
        DONE = "done", lazy("Done")
        WITH_PARENT = "with_parent", lazy("Done together with its parent")
        REFUSED = "refused", lazy("Refused")

    # Neither of them is a foreign key: inserting thousands of rows would otherwise lock as many
    # runs, and a run may be removed while it is chosen.
    job = models.UUIDField(help_text="The id of the run that acts on the chosen runs.")
    run = models.UUIDField(help_text="The id of the chosen run.")
    outcome = models.CharField(
        max_length=12, choices=Outcome, blank=True, help_text="Empty until the job has acted on it."
    )
    words = models.TextField(blank=True, help_text="Why the operation was refused.")

    objects = ChosenRunQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = lazy("chosen run"), lazy("chosen runs")
        constraints = [
            models.UniqueConstraint(
                fields=["job", "run"], name="countersign_chosen_once_for_each_job"
            )
        ]
        indexes = [
            models.Index(
                fields=["job", "run"],
                condition=IS_LEFT,
                name="countersign_chosen_runs_left",
            )
        ]

    def __str__(self) -> str:
        return f"Run {self.run}, chosen for {self.job}"

    def close(self, outcome: Outcome, words: str = "") -> None:
        """Record what became of the operation on this run."""
        self.outcome, self.words = outcome, words
        self.save(update_fields=["outcome", "words"])

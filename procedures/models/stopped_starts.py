"""Stops of new runs: while there is a stop, no run of the procedure, or of any, can be started."""

from django.db import models
from django.utils.translation import gettext_lazy as lazy

from procedures.models.procedure import Procedure

LONGEST_NOTICE = 300


class StoppedStarts(models.Model):
    """A stop of new runs of a procedure, or of all procedures, with a notice for people."""

    procedure = models.OneToOneField(
        Procedure,
        models.CASCADE,
        null=True,
        related_name="stopped_starts",
        help_text=lazy("The procedure whose runs can't be started; empty for all."),
    )
    notice = models.CharField(
        max_length=LONGEST_NOTICE,
        help_text=lazy("The text that people see when they try to start a run."),
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = lazy("stop of new runs"), lazy("stops of new runs")

    def __str__(self) -> str:
        return f"No new runs of {self.procedure or 'any procedure'}"

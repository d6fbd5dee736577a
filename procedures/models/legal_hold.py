"""Legal holds, under which no record may be removed however old it is."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as lazy

from procedures.models.procedure import Procedure
from procedures.models.run import Run


class LegalHold(models.Model):
    """A hold on the record of a run, of a procedure's runs, or of the runs that concern a person.

    The row is deleted when somebody releases the hold; the log keeps who placed and who released
    it, and why. While the row exists, the database refuses to delete what it holds.
    """

    run = models.OneToOneField(Run, models.PROTECT, null=True, related_name="legal_hold")
    procedure = models.OneToOneField(
        Procedure, models.PROTECT, null=True, related_name="legal_hold"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="legal_hold"
    )
    reason = models.TextField()
    placed_by = models.CharField(max_length=254, help_text=lazy("The name of the user."))
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = lazy("legal hold"), lazy("legal holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(run__isnull=False, procedure=None, user=None)
                | Q(run=None, procedure__isnull=False, user=None)
                | Q(run=None, procedure=None, user__isnull=False),
                name="countersign_one_subject_of_a_hold",
            )
        ]

    def __str__(self) -> str:
        return f"Legal hold on {self.subject}"

    @property
    def subject(self) -> Run | Procedure | models.Model | None:
        """The run, procedure or user that is held."""
        return self.run or self.procedure or self.user

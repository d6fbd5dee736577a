"""Retentions, the days for which ended runs are kept, and the rounds that remove older ones."""

from typing import Self

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as lazy

from procedures.conf import conf
from procedures.models.procedure import Procedure

MOST_DAYS = 36_500


class Retention(models.Model):
    """The number of days for which a procedure's runs are kept after their end.

    A procedure without such a row follows the setting `RETENTION_DAYS` of the site.
    """

    procedure = models.OneToOneField(Procedure, models.CASCADE, related_name="retention")
    days = models.PositiveIntegerField(
        validators=[MaxValueValidator(MOST_DAYS)],
        help_text=lazy("Days after the end of a run; 0 keeps the runs for ever."),
    )

    class Meta:
        ordering = ["procedure"]
        verbose_name, verbose_name_plural = lazy("retention"), lazy("retentions")

    def __str__(self) -> str:
        return f"{self.procedure}: {self.days}"


def days_by_procedure() -> dict[int, int]:
    """Return the days for which ended runs are kept, keyed by the primary key of the procedure.

    Procedures whose runs are kept for ever are left out.
    """
    own = dict(Retention.objects.values_list("procedure", "days"))
    keys = Procedure.objects.order_by("pk").values_list("pk", flat=True)
    found = {key: own.get(key, conf.RETENTION_DAYS) for key in keys}
    return {key: days for key, days in found.items() if days}


class RemovalRound(models.Model):
    """A pass over all runs that are old enough to be removed; a day has at most one.

    A round whose worker dies is continued from its place by the next worker.
    """

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    place = models.TextField(
        blank=True,
        help_text="The last run that was looked at, as canonical JSON: the procedure, the time of "
        "the run's end and its id.",
    )
    removed = models.PositiveIntegerField(default=0, help_text="The number of removed runs.")
    kept = models.PositiveIntegerField(
        default=0, help_text="The number of runs that were old enough, but had to be kept."
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.removed} removed since {self.began_at}"

    def move(self, place: str, *, kept: int) -> bool:
        """Record the place that the round has reached, and how many more runs had to be kept.

        Returns False, and records nothing, if another process has moved or ended the round since
        this one read it.
        """
        rows = type(self).objects.filter(pk=self.pk, place=self.place, ended_at=None)
        self.place = place
        return rows.update(place=place, kept=F("kept") + kept) == 1

    @classmethod
    def latest(cls) -> Self | None:
        return cls.objects.order_by("-pk").first()

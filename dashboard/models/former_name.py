"""Former names of people and groups, which are still in the history."""

from django.db import models
from django.utils.translation import gettext_lazy as lazy


class FormerName(models.Model):
    """A name that a person or group no longer has.

    Nobody else can take it, because old approvals under that name would then seem to be theirs.
    """

    class Kind(models.TextChoices):
        USER = "user"
        GROUP = "group"

    kind = models.CharField(max_length=5, choices=Kind)
    name = models.CharField(max_length=254)
    held_by = models.CharField(
        max_length=64, help_text=lazy("The id of the user or group that had the name.")
    )
    left_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["kind", "name"], name="countersign_former_names")]

    def __str__(self) -> str:
        return f"{self.name} (once {self.kind} {self.held_by})"

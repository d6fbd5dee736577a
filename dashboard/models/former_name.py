"""Names that people and groups had earlier; the history still contains them."""

from django.db import models
from django.utils.translation import gettext_lazy as lazy


class FormerName(models.Model):
    """A name that a person or group had earlier.

    Nobody else can take the name. Otherwise, approvals by the earlier holder would seem to be given
    by the new one.
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

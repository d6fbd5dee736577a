"""The groups that every site has; a site may have renamed them."""

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as lazy


class StandardGroup(models.Model):
    """A group that every site has, whose members have a site-wide task, such as auditing."""

    class Kind(models.TextChoices):
        OPERATORS = "operators", lazy("Operators")
        AUDITORS = "auditors", lazy("Auditors")
        MANAGERS = "managers", lazy("Site managers")

    kind = models.CharField(max_length=10, choices=Kind, unique=True)
    group = models.OneToOneField(Group, models.CASCADE, related_name="standard")

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = lazy("standard group"), lazy("standard groups")

    def __str__(self) -> str:
        return str(self.group)

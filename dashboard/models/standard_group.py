"""The groups that every site has, whatever they are called there."""

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as lazy


class StandardGroup(models.Model):
    """A group that every site has: people are added to it for what they do on the whole site."""

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

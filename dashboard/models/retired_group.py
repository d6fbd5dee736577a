"""Groups that nobody can join any more, but whose names stay in the history."""

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as lazy


class RetiredGroup(models.Model):
    """A group without members and roles, which no form offers any more.

    The group keeps its name, because the history names it for people who answered as its members.
    """

    group = models.OneToOneField(Group, models.CASCADE, primary_key=True, related_name="retirement")
    retired_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-retired_at"]
        verbose_name, verbose_name_plural = lazy("retired group"), lazy("retired groups")

    def __str__(self) -> str:
        return str(self.group)

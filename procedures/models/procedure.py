"""Procedures as the site knows them: Python code lives in modules, texts are stored here too."""

from typing import Self
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import models

from procedures.engine.declaration.roles import ROLES
from procedures.store import sql


class Procedure(models.Model):
    """A procedure that some installed code has registered."""

    name = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=200)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class ProcedureVersionQuerySet(models.QuerySet["ProcedureVersion"]):
    def newest_first(self) -> Self:
        """Order versions by their last registration: restored old code is the newest again."""
        return self.order_by("-registered_at", "-pk")


class ProcedureVersion(models.Model):
    """The code of a procedure at one time."""

    procedure = models.ForeignKey(
        Procedure, models.CASCADE, db_index=False, related_name="versions"
    )
    version = models.CharField(max_length=12)
    source = models.TextField()
    file = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="What the source was read from; empty for a Python module.",
    )
    registered_at = models.DateTimeField(help_text="The last time.")

    objects = ProcedureVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "version"], name="countersign_one_row_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.procedure} {self.version}"


def code_of_run(run_id: UUID) -> list[tuple[str, str, str, str]]:
    """Return a run's procedure, its file and version, and each known version of the procedure.

    The newest known version comes first.
    """
    return sql.code_of_run.fetch(run_id)


def groups_with(role: str, procedure_id: int) -> list[int]:
    """Return the ids of the groups with a role on the procedure."""
    return [group for (group,) in sql.groups_with_role.fetch(procedure_id, role)]


class Grant(models.Model):
    """A role of a group's members on the runs of a procedure."""

    procedure = models.ForeignKey(Procedure, models.CASCADE, db_index=False, related_name="grants")
    group = models.ForeignKey(Group, models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=[(role, role) for role in ROLES])

    class Meta:
        ordering = ["procedure", "role", "group"]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "group", "role"], name="countersign_one_grant_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.group} may {self.role} {self.procedure}"

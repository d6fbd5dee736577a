"""Registered procedures, their versions, and the roles that groups have on procedures.

A version stores the source of a procedure. A procedure in Python is executed from its module. A
procedure from a file is executed from the text in the version with which the run was started.
"""

from typing import Self
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, models

from procedures.engine.declaration.roles import ROLES
from procedures.store import sql


class Procedure(models.Model):
    """A procedure that code of the site has registered, now or in the past."""

    name = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=200)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class ProcedureVersionQuerySet(models.QuerySet["ProcedureVersion"]):
    def newest_first(self) -> Self:
        """Order versions by the time of their last registration, the latest first.

        If old code is restored, it is registered again, so its version comes first.
        """
        return self.order_by("-registered_at", "-pk")


class ProcedureVersion(models.Model):
    """A version of a procedure's code."""

    procedure = models.ForeignKey(
        Procedure, models.CASCADE, db_index=False, related_name="versions"
    )
    version = models.CharField(max_length=12)
    source = models.TextField()
    file = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The file of the source; empty for a Python module.",
    )
    subject = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The template of the subject of its runs.",
    )
    registered_at = models.DateTimeField(help_text="The time of the last registration.")

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


def version_from(
    name: str, version: str, procedure: int, title: str, row: int | None, file: str | None
) -> ProcedureVersion | None:
    """Make a version, without its source, from values that a query has selected.

    `row` is the primary key of the version. Returns None if `row` is None, because the query found
    no version.
    """
    if row is None:
        return None
    found = ProcedureVersion.from_db(
        DEFAULT_DB_ALIAS, ["id", "procedure_id", "version", "file"], [row, procedure, version, file]
    )
    named = ["id", "name", "title"]
    found.procedure = Procedure.from_db(DEFAULT_DB_ALIAS, named, [procedure, name, title])
    return found


def code_of_run(run_id: UUID) -> list[tuple[str, str, str, str]]:
    """Return the versions of a run's procedure, ordered by last registration, the newest first.

    Each row has the name of the procedure, the file of the run's code, the version of the run's
    code, and one of the versions of the procedure.
    """
    return sql.code_of_run.fetch(run_id)


def groups_with(role: str, procedure_id: int) -> list[int]:
    """Return the ids of the groups that have this role on the procedure."""
    return [group for (group,) in sql.groups_with_role.fetch(procedure_id, role)]


class Grant(models.Model):
    """A role that a group's members have on the runs of a procedure."""

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

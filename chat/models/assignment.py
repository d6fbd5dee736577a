"""The people who are asked by a request."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q

from chat.models.delegation import principals_of
from chat.models.feed import audience
from procedures.engine.values import canonical
from procedures.holdings import permissions_of
from procedures.models import Procedure, Run
from procedures.models.proofs import proof_field

if TYPE_CHECKING:
    from procedures.users import User


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the assignments, and mark the requests that have no assignments left."""
        requests = list(self.order_by().values_list("request", flat=True))
        deleted = super().delete()
        apps.get_model("countersign_chat", "HumanRequest").objects.filter(
            pk__in=requests
        ).mark_unasked()
        return deleted

    def to(self, user: "User") -> Self:
        """Return the assignments to a user, to the user's groups, and to the user's permissions.

        Assignments to people who have delegated their requests to the user are included.
        """
        is_theirs = _assigned_to(user)
        for principal in principals_of(user):
            is_theirs |= _assigned_to(principal)
        return self.filter(is_theirs)

    def directly_to(self, user: "User") -> Self:
        """Return the assignments to a user, to the user's groups, and to the user's permissions.

        Unlike with `to`, assignments to people who have delegated to the user aren't included.
        """
        return self.filter(_assigned_to(user))

    def by_urgency(self) -> Self:
        """Order assignments by when an answer is needed, then by risk, then by age."""
        return self.order_by(F("due_at").asc(nulls_last=True), "rank", "request_id")


def _assigned_to(user: "User") -> Q:
    """Return a `Q` that matches assignments to the user.

    An assignment to a permission doesn't ask superusers, although they hold every permission.
    """
    is_theirs = Q(user=user) | Q(group__in=user.groups.all())
    if user.is_superuser:
        return is_theirs
    return is_theirs | Q(permission__in=permissions_of(user))


class Assignment(models.Model):
    """A user, a group's members or a permission's holders who may answer a request."""

    request = models.ForeignKey(
        "countersign_chat.HumanRequest", models.CASCADE, related_name="assignments"
    )
    run = models.ForeignKey(
        Run, models.CASCADE, related_name="+", help_text="The run that made the request."
    )
    procedure = models.ForeignKey(
        Procedure,
        models.PROTECT,
        db_index=False,
        related_name="+",
        help_text="The run's procedure, stored here so that lists can be filtered by it.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        db_index=False,
        related_name="assignments",
    )
    group = models.ForeignKey(Group, models.CASCADE, null=True, db_index=False, related_name="+")
    permission = models.CharField(max_length=200, blank=True)
    is_open = models.BooleanField(
        default=True, db_default=True, help_text="False once the request is closed."
    )
    due_at = models.DateTimeField(
        null=True,
        help_text="The time by which the request needs an answer: a copy of its `needed_at`.",
    )
    rank = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,
        help_text="The rank of the request's risk; the highest risk has rank 0.",
    )
    proof = proof_field()
    SEALED: ClassVar = ("request", "run", "user", "group", "permission", "rank")

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["request", "pk"]
        indexes = [
            models.Index(
                fields=[*fields], condition=condition, name=f"countersign_{name}_by_{whom}"
            )
            for whom, is_named in (
                ("user", Q(user__isnull=False)),
                ("group", Q(group__isnull=False)),
                ("permission", ~Q(permission="")),
            )
            for name, fields, condition in (
                # This index counts the requests that wait for somebody, however many are closed.
                ("open", (whom, "request"), Q(is_open=True) & is_named),
                ("due", (whom, "due_at", "rank", "request"), Q(is_open=True) & is_named),
                ("runs", (whom, "procedure", "run"), is_named),
            )
        ]

    def __str__(self) -> str:
        if self.user:
            return f"@{self.user.get_username()}"
        return self.group.name if self.group else f"perm:{self.permission}"

    @property
    def audience(self) -> str:
        """The name of the feed's audience to which the assignees belong."""
        if self.permission:
            return audience("perm", self.permission)
        kind, key = ("asked", self.user_id) if self.user_id else ("group", self.group_id)
        return audience(kind, key)

    @property
    def whom(self) -> str:
        """The assignee as a request lists its assignees: "user:7", "group:3" or "perm:app.code".

        The number is the primary key of the user or group.
        """
        if self.permission:
            return f"perm:{self.permission}"
        return f"user:{self.user_id}" if self.user_id else f"group:{self.group_id}"


def names_in(assigned: str) -> list[str]:
    """Return the list of assignees that a request stores as the JSON text `assigned`.

    For example, `'["user:7","group:3"]'` gives `["user:7", "group:3"]`. Return [] for "", the
    value in requests that were stored before requests listed their assignees.
    """
    return list(canonical.plain(assigned)) if assigned else []

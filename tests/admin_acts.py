"""Acts of somebody in the admin, as a browser posts them, and their effects."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from chat.models import Assignment
from procedures.models import Grant
from tests.pages import Fields, filled

ALL_THE_SAME = "anyway"
"""The label of the button of a warning."""


def page_of(model: str, name: str, *args: Any) -> str:
    return reverse(f"admin:{model}_{name}", args=args)


USER, GROUP, GRANT = "auth_user", "auth_group", "countersign_procedures_grant"


class Act(NamedTuple):
    path: str
    fields: Fields


def form(client: Client, model: str, pk: Any, change: Callable[[Fields], Any]) -> Act:
    path = page_of(model, "change", pk)
    fields = filled(client, path)
    change(fields)
    return Act(path, fields)


def deletion(model: str, pk: Any) -> Act:
    return Act(page_of(model, "delete", pk), {"post": "yes"})


def deletion_in_list(model: str, *pks: Any) -> Act:
    chosen = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
    return Act(page_of(model, "changelist"), chosen)


def confirmed(answer: Any) -> Fields:
    """Return the fields that the button of the page sends."""
    fields: Fields = {}
    for name, value in answer.context["sent"]:
        fields.setdefault(name, []).append(value)
    return fields


def state() -> list[Any]:
    """All that the acts below change."""
    users = [
        (user.pk, user.is_active, sorted(user.groups.values_list("pk", flat=True)))
        for user in User.objects.order_by("pk")
    ]
    groups = [
        (one.pk, one.name, sorted(one.permissions.values_list("pk", flat=True)))
        for one in Group.objects.order_by("pk")
    ]
    held = sorted(User.user_permissions.through.objects.values_list("user", "permission"))
    grants = sorted(Grant.objects.values_list("procedure", "group", "role"))
    return [users, groups, held, grants, sorted(Assignment.objects.values_list("pk", flat=True))]

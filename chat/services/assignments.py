"""From the words of an author's `assign=` to the people who may answer."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, Permission, User

from chat.models import Assignment
from procedures.models.procedure import groups_with

ROLE = "role:"
"""Before a role of the procedure: "role:operate" asks its operators."""


def assign(targets: Sequence[str], procedure_id: int) -> tuple[list[Assignment], str]:
    """Unsaved assignments, and a note when somebody who was asked does not exist.

    Then, and when nobody is named, the groups that may answer for the procedure are asked.
    """
    roles = [target for target in targets if target.startswith(ROLE)]
    found = {target: find_assignee(target) for target in targets if target not in roles}
    missing = [target for target, assignment in found.items() if assignment is None]
    assignments = [assignment for assignment in found.values() if assignment]
    for role in roles:
        assignments += _holders(role.removeprefix(ROLE), procedure_id)
    if missing or not assignments:
        assignments += _holders("answer", procedure_id)
    if not assignments:
        return [], "Nobody may answer this but administrators: grant a group the role “answer”."
    note = f"There is no {' and no '.join(missing)}: the usual answerers are asked too."
    return assignments, note if missing else ""


def find_assignee(target: str) -> Assignment | None:
    """Unsaved; None when there is no such user or group."""
    if target.startswith("@"):
        user = User.objects.filter(username=target[1:], is_active=True).first()
        return Assignment(user=user) if user else None
    if target.startswith("perm:"):
        return _find_permission(target.removeprefix("perm:"))
    group = Group.objects.filter(name=target).first()
    return Assignment(group=group) if group else None


def _find_permission(name: str) -> Assignment | None:
    app, _, code = name.partition(".")
    known = Permission.objects.filter(content_type__app_label=app, codename=code)
    return Assignment(permission=name) if known.exists() else None


def _holders(role: str, procedure_id: int) -> list[Assignment]:
    return [Assignment(group_id=group) for group in groups_with(role, procedure_id)]

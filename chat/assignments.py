"""Assignments built from the names in a question's `assign=`."""

from collections.abc import Callable, Iterable, Sequence

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from chat.models import Assignment
from procedures import access
from procedures.models.procedure import groups_with
from procedures.services.reach import may_be_asked
from procedures.users import User, active_users, find_active_user, holders_of_permission

Find = Callable[[str], Assignment | None]
ROLE = "role:"
"""The prefix of a role in `assign=`: "role:operate" asks the procedure's operators."""


def assign(
    targets: Sequence[str], procedure_id: int, *, find: Find | None = None
) -> tuple[list[Assignment], str]:
    """Return unsaved assignments to the `targets`, and a note for the request, or "".

    `targets` are the names in `assign=`, such as "finance", "@bob" or "role:operate". If a target
    is unknown, or if the targets lead to no assignment at all, the groups with the role `answer` on
    the procedure are asked as well. The note then says so. `find` is the function that looks up a
    target; by default, it is `find_assignee`.
    """
    find = find or find_assignee
    roles = [target for target in targets if target.startswith(ROLE)]
    found = {target: find(target) for target in targets if target not in roles}
    missing = [target for target, assignment in found.items() if assignment is None]
    assignments = [assignment for assignment in found.values() if assignment]
    for role in roles:
        assignments += holders_of(role.removeprefix(ROLE), procedure_id)
    is_named = bool(assignments)
    if missing or not assignments:
        assignments += _answerers(procedure_id)
    if not assignments:
        return [], "Only administrators can answer this. Grant a group the role “answer”."
    if roles and not is_named:
        return (
            assignments,
            "This procedure has no operators, so people with the role “answer” were asked.",
        )
    note = f"Unknown assignees: {', '.join(missing)}. People with the role “answer” were asked."
    return assignments, note if missing else ""


def assign_named(targets: Sequence[str], procedure_id: int) -> tuple[list[Assignment], list[str]]:
    """Return unsaved assignments to the `targets` that exist, and a list of the other targets."""
    found, missing = list[Assignment](), list[str]()
    for target in targets:
        if target.startswith(ROLE):
            found += holders_of(target.removeprefix(ROLE), procedure_id)
        elif one := find_assignee(target):
            found.append(one)
        else:
            missing.append(target)
    return found, missing


def holders_of(role: str, procedure_id: int) -> list[Assignment]:
    """Return unsaved assignments to the groups that have the role `role` on the procedure.

    For the role `operate`, an assignment to the permission to operate every run is added if anybody
    holds that permission.
    """
    groups = [Assignment(group_id=group) for group in groups_with(role, procedure_id)]
    if role == "operate" and holders_of_permission(access.OPERATE).exists():
        return [*groups, Assignment(permission=access.OPERATE)]
    return groups


def people_of(assignments: Iterable[Assignment]) -> QuerySet[User]:
    """Return the active people to whom the assignments lead: by user, by group or by permission."""
    asked = Q(pk__in=[])
    for one in assignments:
        if one.permission:
            asked |= Q(pk__in=holders_of_permission(one.permission).values("pk"))
        else:
            asked |= Q(pk=one.user_id) if one.user_id else Q(groups=one.group_id)
    # The result is distinct, because a person may be in several of the groups that are asked.
    return active_users().filter(asked).distinct()


def _answerers(procedure_id: int) -> list[Assignment]:
    return holders_of("answer", procedure_id)


def find_assignee(target: str) -> Assignment | None:
    """Return an unsaved assignment to the target, or None if there is no such target.

    The target is a user ("@bob"), a permission ("perm:app.code") or a group ("finance").
    """
    if target.startswith("@"):
        user = find_active_user(target[1:])
        return Assignment(user=user) if user else None
    if target.startswith("perm:"):
        return _find_permission(target.removeprefix("perm:"))
    group = Group.objects.filter(name=target).first()
    return Assignment(group=group) if group else None


def find_for_program(target: str, procedure: str) -> Assignment | None:
    """Return what `find_assignee` returns, or None if a program may not ask the target.

    The check is repeated for each question, because a group may have lost the role `answer` on the
    procedure since the program started the run.
    """
    return find_assignee(target) if may_be_asked(target, procedure) else None


def _find_permission(name: str) -> Assignment | None:
    app, _, code = name.partition(".")
    known = Permission.objects.filter(content_type__app_label=app, codename=code)
    return Assignment(permission=name) if known.exists() else None

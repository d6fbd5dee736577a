"""The reasons why people have roles on procedures, by the rule of `procedures.access`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from procedures import access
from procedures.engine.declaration.roles import ROLES, Role
from procedures.models import Grant, Procedure
from procedures.users import User, active_users, members_path, permission_holders, users

TITLES: Mapping[Role, Any] = {
    "see": lazy("See"),
    "start": lazy("Start"),
    "answer": lazy("Answer"),
    "operate": lazy("Operate"),
    "cancel": lazy("Cancel"),
}
"""The names of the roles, as pages show them."""


class HeldRole(NamedTuple):
    """A role, and the reasons why a person has it; no reasons if the person doesn't have it."""

    role: Role
    reasons: tuple[str, ...]


class RoleHolder(NamedTuple):
    """A person who has a role, and the reasons why."""

    user: User
    reasons: tuple[str, ...]


def roles_that_give(role: Role) -> tuple[Role, ...]:
    """Return all roles whose holders count as holders of this role, too.

    For example, whoever has the role "operate" or "cancel" on a procedure also has "see".
    """
    return access.SEEING if role == "see" else (role,)


def is_given_everywhere(role: Role) -> bool:
    """Return True if the permission to operate all runs includes this role on all procedures."""
    return role in access.SEEING


def held_roles(user: User, procedures: Iterable[Procedure]) -> dict[int, list[HeldRole]]:
    """Return, for each procedure's id, every role with the reasons why the user has it.

    A role that the user lacks has no reasons. The number of database queries depends on neither
    the number of procedures nor that of groups.
    """
    shown = [one.pk for one in procedures]
    grants = Grant.objects.filter(procedure__in=shown, **{f"group__{members_path()}": user})
    groups: dict[tuple[int, str], list[str]] = defaultdict(list)
    rows = grants.order_by("group__name").values_list("procedure", "role", "group__name")
    for procedure, role, group in rows:
        groups[procedure, role].append(group)
    operates = not user.is_superuser and user.has_perm(access.OPERATE)
    return {
        procedure: [HeldRole(role, _why(user, procedure, role, groups, operates)) for role in ROLES]
        for procedure in shown
    }


def _why(
    user: User,
    procedure: int,
    role: Role,
    groups: Mapping[tuple[int, str], Collection[str]],
    operates: bool,  # noqa: FBT001
) -> tuple[str, ...]:
    if user.is_superuser:
        return (_("superuser"),)
    everywhere = (_("may operate all runs"),) if operates and is_given_everywhere(role) else ()
    return (
        *everywhere,
        *(
            _member(group, role, given)
            for given in sorted(roles_that_give(role), key=lambda one: one != role)
            for group in groups.get((procedure, given), ())
        ),
    )


def _member(group: str, role: Role, given: Role) -> str:
    if role == given:
        return _("member of {group}").format(group=group)
    words = {
        "operate": _("member of {group}, which operates it"),
        "cancel": _("member of {group}, which may cancel it"),
    }
    return words[given].format(group=group)


def role_holders(procedure: Procedure, role: Role) -> "QuerySet[User]":
    """Return the active users who have a role on a procedure, as `procedures.access` decides."""
    groups = _granting(procedure, role).values("group")
    is_theirs = Q(is_superuser=True) | Q(pk__in=users().filter(groups__in=groups).values("pk"))
    if is_given_everywhere(role):
        is_theirs |= Q(pk__in=operating_everything().values("pk"))
    return active_users().filter(is_theirs)


def with_reasons(procedure: Procedure, role: Role, people: Collection[User]) -> list[RoleHolder]:
    """Return each of these people with the reasons why the person has the role.

    Callers pass the people of one page, because every key is sent to the database.
    """
    keys = [one.pk for one in people]
    grants = _granting(procedure, role)
    path = members_path()
    rows = grants.filter(**{f"group__{path}__in": keys}).order_by("group__name")
    groups: dict[object, dict[tuple[int, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, given, group in rows.values_list(f"group__{path}", "role", "group__name"):
        groups[key][procedure.pk, given].append(group)
    operators: set[object] = set()
    if is_given_everywhere(role):
        operators = {key for _name, key in permission_holders([access.OPERATE], keys)}
    return [
        RoleHolder(one, _why(one, procedure.pk, role, groups[one.pk], one.pk in operators))
        for one in people
    ]


def _granting(procedure: Procedure, role: Role) -> "QuerySet[Grant]":
    return Grant.objects.filter(procedure=procedure, role__in=roles_that_give(role))


def operating_everything() -> "QuerySet[User]":
    """Return the users who have the permission to operate all runs, themselves or by a group.

    Inactive users are included. Superusers are included only if the permission was given to them.
    """
    app, code = access.OPERATE.split(".")
    named = Permission.objects.filter(content_type__app_label=app, codename=code).order_by()
    groups = Group.objects.filter(permissions__in=named.values("pk")).order_by()
    is_given = Q(user_permissions__in=named.values("pk")) | Q(groups__in=groups.values("pk"))
    return users().filter(is_given).order_by()

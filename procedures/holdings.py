"""The groups, permissions and roles of one user, read together."""

from collections.abc import Mapping
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet, Value

from procedures.engine.declaration.roles import Role
from procedures.models import Grant
from procedures.users import User, are_permissions_in_tables, kept_on, members_path

GROUP, PERMISSION, ROLE = range(3)
"""The kinds of rows that the query for `Holdings` returns, as numbers in the first column."""


class Holdings(NamedTuple):
    """The groups, permissions and roles that Django's tables give to a user.

    Permissions from other authentication backends are not among them.
    """

    groups: Mapping[int, str]
    """The names of the user's groups, keyed by the group's primary key."""
    permissions: frozenset[str]
    """The permissions that the user or one of these groups has: "app.codename"."""
    roles: frozenset[tuple[int, str]]
    """Pairs: a procedure's primary key, and a role of one of these groups on the procedure."""

    def procedures(self, *roles: Role) -> set[int]:
        """Return the primary keys of the procedures on which a group has one of `roles`."""
        return {procedure for procedure, role in self.roles if role in roles}


def holdings_of(user: User) -> Holdings:
    """Return a user's groups, permissions and roles, read once for each user object.

    They may be out of date later, so use them only to draw lists. Query the database to decide what
    a user may do.
    """
    return kept_on(user, "holdings", lambda: _read(user))


def holds(user: User, permission: str) -> bool:
    """Return the result of the user's `has_perm`, usually without another database query."""
    return _with_permissions(user).has_perm(permission)


def permissions_of(user: User) -> set[str]:
    """Return the user's `get_all_permissions`, usually without another database query."""
    return set(_with_permissions(user).get_all_permissions())


def _with_permissions(user: User) -> User:
    kept = "_perm_cache"
    # Django's own backend stores the permissions in the same place, after one statement for those
    # of the user and one for those of the groups.
    is_new = user.is_active and not user.is_superuser and not hasattr(user, kept)
    if is_new and are_permissions_in_tables():
        setattr(user, kept, set(holdings_of(user).permissions))
    return user


def _read(user: User) -> Holdings:
    groups, permissions, roles = dict[int, str](), set[str](), set[tuple[int, str]]()
    first, *others = _parts(user)
    for kind, key, name, more in first.union(*others, all=True):
        if kind == GROUP:
            groups[key] = name
        elif kind == PERMISSION:
            permissions.add(f"{name}.{more}")
        else:
            roles.add((key, name))
    return Holdings(groups, frozenset(permissions), frozenset(roles))


def _parts(user: User) -> list["QuerySet[Group | Permission | Grant, tuple[int, int, str, str]]"]:
    by_group, none = members_path(), Value("")
    own = get_user_model()._meta.get_field("user_permissions").related_query_name()  # noqa: SLF001
    given = Permission.objects.order_by()
    code = (Value(PERMISSION), Value(0), "content_type__app_label", "codename")
    grants = Grant.objects.filter(**{f"group__{by_group}": user}).order_by()
    return [
        Group.objects.filter(**{by_group: user})
        .order_by()
        .values_list(Value(GROUP), "pk", "name", none),
        given.filter(**{own: user}).values_list(*code),
        given.filter(**{f"group__{by_group}": user}).values_list(*code),
        grants.values_list(Value(ROLE), "procedure", "role", none),
    ]

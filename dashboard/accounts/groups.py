"""Groups: their members, the places in code that name a group, and how groups are retired."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet

from chat.doorbell import RIGHTS, ring_after_commit
from dashboard.accounts.authority import may_change, permission_to
from dashboard.accounts.names import Kind, check_name
from dashboard.models import RetiredGroup, StandardGroup
from dashboard.models.trail import note
from procedures.models import Grant, Procedure
from procedures.models.act import counted
from procedures.services import CodeName, names_in_code
from procedures.store.named_locks import lock_name
from procedures.transactions import service_atomic
from procedures.users import User, is_active, members_path, users

NOWHERE = CodeName((), ())


class ListedGroup(NamedTuple):
    """A group in a list: counts of active members and roles, and the procedures that name it."""

    group: Group
    members: int
    roles: int
    code: CodeName
    is_standard: bool
    is_retired: bool


class RetiredError(Exception):
    """The group can't be joined or retired: it is retired already, or every site must have it."""


def groups_in_use() -> "QuerySet[Group]":
    """Return the groups that aren't retired."""
    return Group.objects.filter(retirement=None)


def listed_groups(found: Collection[Group]) -> list[ListedGroup]:
    """Return what a list shows of each group, in a fixed number of database queries."""
    keys = [one.pk for one in found]
    members, roles, code = active_members(keys), _roles(keys), names_in_code()
    standard = set(StandardGroup.objects.filter(group__in=keys).values_list("group", flat=True))
    retired = set(RetiredGroup.objects.filter(group__in=keys).values_list("group", flat=True))
    return [
        ListedGroup(
            group=one,
            members=members.get(one.pk, 0),
            roles=roles.get(one.pk, 0),
            code=code.get(one.name, NOWHERE),
            is_standard=one.pk in standard,
            is_retired=one.pk in retired,
        )
        for one in found
    ]


def active_members(groups: Collection[int]) -> dict[int, int]:
    """Return the number of active members of each of these groups, by the id of the group."""
    path = members_path()
    found = Group.objects.filter(pk__in=list(groups)).order_by()
    counted = found.annotate(people=Count(path, filter=is_active(f"{path}__")))
    return dict(counted.values_list("pk", "people"))


def members_of(group: Group) -> "QuerySet[User]":
    return users().filter(groups=group)


def naming(group: Group) -> "tuple[CodeName, QuerySet[Procedure]]":
    """Return how code names a group, and the procedures whose code or roles name it."""
    code = names_in_code().get(group.name, NOWHERE)
    return code, Procedure.objects.filter(name__in={*code.in_code, *code.in_roles})


def may_add(by: User, group: Group, user: User) -> bool:
    """Return True if `by` may add a person to a group.

    A superuser may always do so. Anybody else may add other people, if `by` may change their
    accounts, and only to groups that `by` is in.
    """
    return may_add_to(by, group) and may_be_added(by, user)


def may_add_to(by: User, group: Group) -> bool:
    """Return True if `by` may add people to a group, if only some of them."""
    if by.is_superuser:
        return True
    return by.has_perm(permission_to("change")) and by.groups.filter(pk=group.pk).exists()


def may_be_added(by: User, user: User) -> bool:
    """Return True if `by` may add the person to the groups to which `by` may add people."""
    return by.is_superuser or (by.pk != user.pk and may_change(by, user))


def may_remove(by: User, user: User) -> bool:
    return may_change(by, user) and (by.is_superuser or by.pk != user.pk)


def may_create_group(by: User) -> bool:
    return by.has_perm("auth.add_group")


def lock_access() -> None:
    """Lock changes of groups, roles and accounts, so that others wait until this transaction ends.

    What somebody may change depends on what others change: a role that they lose, a group that is
    retired, or a name that is taken at the same moment.
    """
    lock_name("access")


@service_atomic
def create_group(name: str, *, by: User) -> Group:
    """Create a group without members and roles.

    Raises `PermissionDenied`, and `ValidationError` if the name can't be used.
    """
    if not may_create_group(by):
        raise PermissionDenied
    lock_access()
    group = Group(name=name)
    check_name(Kind.GROUP, name, None)
    group.full_clean()
    group.save(force_insert=True)
    note(by, "Created the group.", about=group)
    return group


@service_atomic
def add_members(group: Group, people: Iterable[User], *, by: User) -> None:
    """Add people to a group.

    Raises `PermissionDenied`, and `RetiredError` if the group is retired; then nobody is added.
    """
    lock_access()
    found = list(people)
    if not all(may_add(by, group, user) for user in found):
        raise PermissionDenied
    if RetiredGroup.objects.filter(group=group).exists():
        raise RetiredError
    here = set(members_of(group).filter(pk__in=[one.pk for one in found]))
    for user in found:
        if user not in here:  # somebody else may have added the person just now
            user.groups.add(group)
            note(by, f"Added to the group {group}.", about=user)


@service_atomic
def remove_member(group: Group, user: User, *, by: User) -> None:
    if not may_remove(by, user):
        raise PermissionDenied
    lock_access()
    if members_of(group).filter(pk=user.pk).exists():
        user.groups.remove(group)
        note(by, f"Removed from the group {group}.", about=user)


@service_atomic
def rename_group(group: Group, name: str, *, by: User, reason: str) -> None:
    """Give a group another name.

    Only a superuser can rename a group, because code assigns requests to groups by name. Raises
    `PermissionDenied` for others, and `ValidationError` if the name can't be used.
    """
    if not by.is_superuser:
        raise PermissionDenied
    lock_access()
    group.refresh_from_db(fields=["name"])  # somebody else may have renamed it since
    before, group.name = group.name, name
    check_name(Kind.GROUP, name, group.pk)
    group.full_clean()
    group.save(update_fields=["name"])
    note(by, f"Renamed from {before} to {name}.", about=group, reason=reason)


@service_atomic
def retire_group(group: Group, *, by: User, reason: str) -> None:
    """Take all members, roles and permissions from a group, and leave it out of all forms.

    The name of the group stays reserved. Otherwise, a later group with this name would seem to have
    given the retired group's answers. Raises `RetiredError` if the group is one of those that every
    site has, or is retired already.
    """
    if not by.is_superuser:
        raise PermissionDenied
    lock_access()
    is_standard = StandardGroup.objects.filter(group=group).exists()
    if is_standard or RetiredGroup.objects.filter(group=group).exists():
        raise RetiredError
    members = members_of(group).count()
    through = users().model.groups.through
    through._default_manager.filter(group=group).delete()  # noqa: SLF001 (Django documents it)
    roles, _by_model = Grant.objects.filter(group=group).delete()
    group.permissions.clear()
    RetiredGroup.objects.create(group=group)
    ring_after_commit(RIGHTS)
    sentence = f"Retired. It had {counted(members, 'member')} and {counted(roles, 'role')}."
    note(by, sentence, about=group, reason=reason)


@service_atomic
def revive_group(group: Group, *, by: User) -> None:
    """Offer a retired group in forms again; the group has no members and no roles then."""
    if not by.is_superuser:
        raise PermissionDenied
    RetiredGroup.objects.filter(group=group).delete()
    note(by, "Put back into use after it was retired.", about=group)


def _roles(groups: Collection[int]) -> dict[int, int]:
    counted = Grant.objects.filter(Q(group__in=list(groups))).order_by().values("group")
    return dict(counted.annotate(roles=Count("pk")).values_list("group", "roles"))

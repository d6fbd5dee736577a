"""The access rules for many people and many runs, with a fixed number of database queries."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.models import Group, Permission

from procedures.access import OPERATE, SEEING
from procedures.among import is_among
from procedures.models import Grant, Run
from procedures.users import User, are_permissions_in_tables, users

Key = Any
"""A user's primary key."""
Wanted = Mapping[UUID, AbstractSet[Key]]
"""The keys of the people whose access to a run is to be checked, keyed by the run's id."""
Pairs = Iterable[tuple[UUID, AbstractSet[Key]]]


class People:
    """Several active people, with their groups and permissions."""

    def __init__(self, people: Iterable[User]) -> None:
        self.users: dict[Key, User] = {user.pk: user for user in people if user.is_active}
        self.holders: dict[str, set[Key]] = {}
        """The keys of the people who have a permission, keyed by the permission; only for
        permissions that were looked up."""

    @classmethod
    def read(cls, keys: Collection[Key]) -> Self:
        return cls(users().filter(is_among("pk", keys)))

    def only(self, keys: AbstractSet[Key]) -> Self:
        """Return a `People` of only the people with these keys.

        What has been read about them is kept.
        """
        found = type(self)(user for key, user in self.users.items() if key in keys)
        if "groups" in self.__dict__:
            found.groups = {group: members & keys for group, members in self.groups.items()}
        found.holders = {name: held & keys for name, held in self.holders.items()}
        return found

    @cached_property
    def groups(self) -> dict[int, set[Key]]:
        """The members of each group among these people: their keys, keyed by the group's key."""
        found: dict[int, set[Key]] = defaultdict(set)
        members = users().filter(is_among("pk", self.users), groups__isnull=False).order_by()
        for key, group in members.values_list("pk", "groups"):
            found[group].add(key)
        return dict(found)

    def members_of(self, group: int) -> AbstractSet[Key]:
        return self.groups.get(group, set())

    def holders_of(self, names: Collection[str]) -> dict[str, set[Key]]:
        """Return, for each permission in `names`, the keys of the people who have it.

        The result is keyed by the permission. Each permission is read only once.
        """
        if new := {*names} - self.holders.keys():
            self.holders |= self._read_holders(new)
        return {name: self.holders[name] for name in names}

    def _read_holders(self, names: Collection[str]) -> dict[str, set[Key]]:
        if not self.users:
            return {name: set() for name in names}
        if not are_permissions_in_tables():
            return {name: self._asked_one_by_one(name) for name in names}
        by_right = {key for key, user in self.users.items() if user.is_superuser}
        found = {name: set(by_right) for name in names}
        codes = {name.partition(".")[2] for name in names}
        rows = Permission.objects.filter(codename__in=codes).order_by()
        labels = rows.values_list("pk", "content_type__app_label", "codename")
        known = {pk: name for pk, app, code in labels if (name := f"{app}.{code}") in found}
        for pk, keys in self._given(known):
            found[known[pk]] |= keys
        return found

    def _given(self, permissions: Collection[int]) -> Iterable[tuple[int, AbstractSet[Key]]]:
        """Yield permissions, each with keys of people who have it, themselves or through a group.

        The same permission can be yielded several times.
        """
        here = users().filter(is_among("pk", self.users))
        own = here.filter(user_permissions__in=permissions).order_by()
        for key, permission in own.values_list("pk", "user_permissions"):
            yield permission, {key}
        shared = Group.objects.filter(permissions__in=permissions).order_by()
        for group, permission in shared.values_list("pk", "permissions"):
            yield permission, self.members_of(group)

    def _asked_one_by_one(self, name: str) -> set[Key]:
        return {key for key, user in self.users.items() if user.has_perm(name)}


Viewers = Callable[[People, Wanted], Pairs]
viewers: list[Viewers] = []
"""Functions of higher layers that yield runs, each with the keys of people who may see it.

Each function corresponds to a provider in `access`, and must grant the same access.
"""


def who_sees(people: People, wanted: Wanted) -> dict[UUID, set[Key]]:
    """Return the keys of the people in `wanted` who may see each run, keyed by the run's id.

    The rules are those of `visible_runs`.
    """
    if not wanted or not people.users:
        return {}
    everywhere = people.holders_of([OPERATE])[OPERATE]
    runs = Run.objects.filter(pk__in=wanted).values_list("pk", "started_by", "procedure")
    rows = list(runs.order_by())
    granted = _granted(people, {procedure for _, _, procedure in rows})
    found = {
        run: {
            key
            for key in wanted[run]
            if key in people.users
            and (key == starter or key in everywhere or key in granted[procedure])
        }
        for run, starter, procedure in rows
    }
    for more in viewers:
        for run, keys in more(people, wanted):
            if run in found:
                found[run] |= wanted[run] & keys & people.users.keys()
    return found


def operators(people: People) -> set[Key]:
    """Return the keys of the people who are staff or operate a procedure (see `is_operator`)."""
    found = {key for key, user in people.users.items() if getattr(user, "is_staff", False)}
    found |= people.holders_of([OPERATE])[OPERATE]
    granted = Grant.objects.filter(role="operate").order_by().values_list("group", flat=True)
    return found.union(*(people.members_of(group) for group in granted.distinct()))


def _granted(people: People, procedures: Collection[int]) -> dict[int, set[Key]]:
    """Return the keys of the people who see all runs of a procedure because of a grant.

    The result is keyed by the procedure's primary key.
    """
    found: dict[int, set[Key]] = defaultdict(set)
    grants = Grant.objects.filter(procedure__in=procedures, role__in=SEEING).order_by()
    for procedure, group in grants.values_list("procedure", "group"):
        found[procedure] |= people.members_of(group)
    return found

"""The open requests that people may answer, for many people together.

The number of queries doesn't depend on the number of people or requests. At first, at most 100
requests are read for each assignee, so a count of 100 means "more than 99". If too few of these
still wait for somebody, more are read, for everybody together.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from chat.left import not_left_to
from chat.models import Assignment, HumanRequest, Snooze
from chat.models.delegation import deputies_among
from chat.store import sql
from chat.urgency import urgent_requests
from procedures.among import is_among
from procedures.models.clock import clock
from procedures.store.statements import Statement
from procedures.users import User, active_users, permission_holders, users

MOST = 100
ROUNDS = (MOST, 1_000, 5_000)
"""The numbers of requests to read for each assignee, tried in turn until enough still wait."""
Waiting = dict[UUID, UUID]
"""The open requests that a person may answer, each with its session."""


class Present:
    """Active people, with their groups, their permissions and the people they answer for."""

    def __init__(self, keys: Collection[Any]) -> None:
        self._keys = {*keys}
        self._holders: dict[str, set[Any]] = {}

    @cached_property
    def keys(self) -> set[Any]:
        """The primary keys of the people who are active."""
        return self._keys & self.known.keys()

    @cached_property
    def deputies(self) -> dict[Any, set[Any]]:
        """The keys of the deputies among these people; a set for each person with deputies."""
        return deputies_among(self._keys)

    @cached_property
    def known(self) -> dict[Any, bool]:
        """These people and those for whom they are deputies, by key; True for superusers."""
        return {key: is_superuser for key, is_superuser, _ in self._rows}

    @cached_property
    def members(self) -> set[tuple[int, Any]]:
        """Pairs: the key of a group, and the key of a known person who is its member."""
        return {(group, key) for key, _, group in self._rows if group is not None}

    @cached_property
    def _rows(self) -> list[tuple[Any, bool, int | None]]:
        keys = {*self._keys, *self.deputies}
        everybody = active_users().filter(is_among("pk", keys)).order_by()
        return list(everybody.values_list("pk", "is_superuser", "groups"))

    def holders_of(self, names: Iterable[str]) -> set[tuple[str, Any]]:
        """Return pairs of a permission's name and the key of a person in `known` who has it."""
        wanted = {*names}
        if new := wanted - self._holders.keys():
            self._holders |= {name: set() for name in new}
            people = [key for key, is_superuser in self.known.items() if not is_superuser]
            for name, key in permission_holders(new, people):
                self._holders[name].add(key)
        return {(name, key) for name in wanted for key in self._holders[name]}

    def people(self, names: Collection[str]) -> dict[str, set[Any]]:
        """Return the keys of the people to whom each name refers, and of their deputies."""
        found: dict[str, set[Any]] = {name: set() for name in names}
        permissions = [name.removeprefix("perm:") for name in names if name.startswith("perm:")]
        held = [(f"perm:{name}", key) for name, key in self.holders_of(permissions)]
        members = [(f"group:{group}", key) for group, key in self.members]
        for name, key in [*held, *members, *((f"user:{key}", key) for key in self.known)]:
            if name in found:
                found[name] |= {key, *self.deputies.get(key, ())} & self.keys
        if "" in found:
            found[""] = {key for key in self.keys if self.known[key]}
        return found


def people_named(names: Iterable[str], among: Collection[Any] | Present) -> set[Any]:
    """Return the primary keys of the active people in `among` to whom these names refer.

    Names are written as in `HumanRequest.assigned`. Superusers are always included: they may answer
    every request, although no assignment names them. Deputies of the people are included, too.
    """
    return set().union(*people_by_name(names, among).values())


def people_by_name(names: Iterable[str], among: Collection[Any] | Present) -> dict[str, set[Any]]:
    """Return the primary keys of the active people in `among` to whom each name refers.

    The name "" refers to the superusers, who are affected by every change.
    """
    present = among if isinstance(among, Present) else Present(among)
    return present.people({"", *names})


def waiting_of(user: User) -> Waiting:
    """Return the requests that wait for one person, the most urgent first, at most 100."""
    return urgent_requests(user, MOST)


def waiting_for(people: Collection[Any], among: Present | None = None) -> dict[Any, Waiting]:
    """Return the requests that wait for each of these people, as `waiting_of` decides.

    People are given by their primary keys; those who aren't active are missing from the result. If
    the groups of a larger set of people are already known, pass that set as `among`.
    """
    present = among or Present(people)
    found: dict[Any, Waiting] = {}
    left = {pk for pk in people if pk in present.keys}
    for most in ROUNDS:
        waiting = _read(present, left, most)
        cut = {pk for pk, requests in waiting.items() if len(requests) >= most}
        _leave_out_done(waiting, present.deputies)
        found |= waiting
        left = {pk for pk in cut if len(waiting[pk]) < MOST}
        if not left:
            return found
    return found | {user.pk: waiting_of(user) for user in users().filter(pk__in=left)}


def _read(present: Present, people: Collection[Any], most: int) -> dict[Any, Waiting]:
    """Return the open requests that ask each of these people, up to `most` for each assignee."""
    found: dict[Any, Waiting] = {pk: {} for pk in people}
    given = {user: to & found.keys() for user, to in present.deputies.items()}
    asked = {*found, *(user for user, to in given.items() if to)} & present.known.keys()
    for pk, waiting in _waiting_by_assignment(present, asked, most).items():
        for one in {pk, *given.get(pk, ())} & found.keys():
            found[one] |= waiting
    if superusers := [pk for pk in found if present.known[pk]]:
        every = HumanRequest.objects.open().by_urgency().values_list("pk", "session")
        all_open = dict(every[:most])
        found |= {pk: dict(all_open) for pk in superusers}
    return found


def _leave_out_done(found: dict[Any, Waiting], given: Mapping[Any, Collection[Any]]) -> None:
    """Remove each person's requests that don't wait for them, as `waiting_of` decides."""
    gone = not_left_to(found, given)
    is_here = is_among("user", found)
    snoozed = Snooze.objects.filter(is_here, until__gt=clock.moment()).order_by()
    for person, request in snoozed.values_list("user", "request") if found else ():
        gone.setdefault(person, set()).add(request)
    for person, requests in gone.items():
        found[person] = {pk: at for pk, at in found[person].items() if pk not in requests}


def _waiting_by_assignment(
    present: Present, asked: Collection[Any], most: int
) -> dict[Any, Waiting]:
    found: dict[Any, Waiting] = defaultdict(dict)
    if not asked:
        return found
    for pk, request, session in sql.open_by_user.fetch(list(asked), most):
        found[_key(pk)][_id(request)] = _id(session)
    members = {(group, pk) for group, pk in present.members if pk in asked}
    _add(found, members, sql.open_by_group, most)
    permissions = Assignment.objects.filter(is_open=True).exclude(permission="").order_by()
    names = set(permissions.values_list("permission", flat=True).distinct())
    held = {(name, pk) for name, pk in present.holders_of(names) if pk in asked}
    _add(found, held, sql.open_by_permission, most)
    return found


def _add(
    found: dict[Any, Waiting], holders: set[tuple[Any, Any]], statement: Statement, most: int
) -> None:
    """Add the open requests of each group or permission to `found`, for each of its holders."""
    opened: dict[Any, Waiting] = defaultdict(dict)
    if keys := {key for key, _ in holders}:
        for key, request, session in statement.fetch(list(keys), most):
            opened[key][_id(request)] = _id(session)
    for key, pk in holders:
        found[pk] |= opened[key]


def _key(value: Any) -> Any:
    return get_user_model()._meta.pk.to_python(value)  # noqa: SLF001 (Django documents it)


def _id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)

"""The open requests that people may answer, for many people together.

The number of queries doesn't depend on the number of people or requests. At first, at most 100
requests are read for each assignee; a count of 100 therefore means "more than 99". Some of the
requests that were read don't wait for a person, for example because the person has voted. If too
few of the requests that were read wait for a person, more requests are read, for all such people
together.
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
"""The numbers of requests to read for each assignee in the first, second and third round.

The next round is only for people for whom fewer than `MOST` waiting requests were found.
"""
Waiting = dict[UUID, UUID]
"""The ids of the open requests that a person may answer, each with the id of its session."""


class ActivePeople:
    """Active people, their groups, their permissions, and the people they are deputies of."""

    def __init__(self, keys: Collection[Any]) -> None:
        self._keys = {*keys}
        self._holders: dict[str, set[Any]] = {}

    @cached_property
    def keys(self) -> set[Any]:
        """The primary keys of those of the given people who are active."""
        return self._keys & self.known.keys()

    @cached_property
    def deputies(self) -> dict[Any, set[Any]]:
        """The deputies among the given people, by the key of the person whom they represent.

        Each value is a set of the deputies' keys.
        """
        return deputies_among(self._keys)

    @cached_property
    def known(self) -> dict[Any, bool]:
        """The keys of the given people and of the people whose deputies they are.

        Only active people are included. The value is True for a superuser, else False.
        """
        return {key: is_superuser for key, is_superuser, _ in self._rows}

    @cached_property
    def members(self) -> set[tuple[int, Any]]:
        """Pairs of a group's key and a person's key, for each group of each person in `known`."""
        return {(group, key) for key, _, group in self._rows if group is not None}

    @cached_property
    def _rows(self) -> list[tuple[Any, bool, int | None]]:
        keys = {*self._keys, *self.deputies}
        everybody = active_users().filter(is_among("pk", keys)).order_by()
        return list(everybody.values_list("pk", "is_superuser", "groups"))

    def holders_of(self, names: Iterable[str]) -> set[tuple[str, Any]]:
        """Return pairs of the name of a permission and the key of a person in `known` who has it.

        Superusers are left out.
        """
        wanted = {*names}
        if new := wanted - self._holders.keys():
            self._holders |= {name: set() for name in new}
            people = [key for key, is_superuser in self.known.items() if not is_superuser]
            for name, key in permission_holders(new, people):
                self._holders[name].add(key)
        return {(name, key) for name in wanted for key in self._holders[name]}

    def people(self, names: Collection[str]) -> dict[str, set[Any]]:
        """Return, for each of the names, the keys of those given people to whom it refers.

        A name is that of an assignee, such as "group:3". A deputy of a person to whom the name
        refers is included. The name "" refers to the superusers.
        """
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


def people_named(names: Iterable[str], among: Collection[Any] | ActivePeople) -> set[Any]:
    """Return the keys of the active people in `among` to whom any of the names refers.

    Names are written as in `HumanRequest.assigned`: "user:7", "group:3", "perm:app.code". The
    deputies of these people are included. Superusers are always included, because they may answer
    every request although no assignment names them.
    """
    return set().union(*people_by_name(names, among).values())


def people_by_name(
    names: Iterable[str], among: Collection[Any] | ActivePeople
) -> dict[str, set[Any]]:
    """Return, for each of the names, the keys of those active people in `among` to whom it refers.

    The name "" is added. It stands for the superusers, whom every request concerns.
    """
    present = among if isinstance(among, ActivePeople) else ActivePeople(among)
    return present.people({"", *names})


def waiting_of(user: User) -> Waiting:
    """Return the most urgent requests that wait for one person, at most 100, most urgent first."""
    return urgent_requests(user, MOST)


def waiting_for(people: Collection[Any], among: ActivePeople | None = None) -> dict[Any, Waiting]:
    """Return, by person, the requests that wait for the person.

    The rules are those of `waiting_of`. People are given by their primary keys; the result has no
    entry for inactive people. If you already have the `ActivePeople` of these and more people, pass
    them as `among`, so that their groups aren't read again.
    """
    present = among or ActivePeople(people)
    found: dict[Any, Waiting] = {}
    left = {pk for pk in people if pk in present.keys}
    for most in ROUNDS:
        waiting = _read(present, left, most)
        cut = {pk for pk, requests in waiting.items() if len(requests) >= most}
        _remove_unneeded(waiting, present.deputies)
        found |= waiting
        left = {pk for pk in cut if len(waiting[pk]) < MOST}
        if not left:
            return found
    return found | {user.pk: waiting_of(user) for user in users().filter(pk__in=left)}


def _read(present: ActivePeople, people: Collection[Any], most: int) -> dict[Any, Waiting]:
    """Return, by person, the open requests that ask the person.

    At most `most` requests are read for each assignee.
    """
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


def _remove_unneeded(found: dict[Any, Waiting], deputies: Mapping[Any, Collection[Any]]) -> None:
    """Remove from `found` the requests that ask a person but don't wait for that person.

    `deputies` holds the deputies' keys by the key of the person whom they represent.
    """
    gone = not_left_to(found, deputies)
    is_here = is_among("user", found)
    snoozed = Snooze.objects.filter(is_here, until__gt=clock.moment()).order_by()
    for person, request in snoozed.values_list("user", "request") if found else ():
        gone.setdefault(person, set()).add(request)
    for person, requests in gone.items():
        found[person] = {pk: at for pk, at in found[person].items() if pk not in requests}


def _waiting_by_assignment(
    present: ActivePeople, asked: Collection[Any], most: int
) -> dict[Any, Waiting]:
    found: dict[Any, Waiting] = defaultdict(dict)
    if not asked:
        return found
    for pk, request, session in sql.open_by_user.fetch(list(asked), most):
        found[_key(pk)][_id(request)] = _id(session)
    members = {(group, pk) for group, pk in present.members if pk in asked}
    _add_for_holders(found, members, sql.open_by_group, most)
    permissions = Assignment.objects.filter(is_open=True).exclude(permission="").order_by()
    names = set(permissions.values_list("permission", flat=True).distinct())
    held = {(name, pk) for name, pk in present.holders_of(names) if pk in asked}
    _add_for_holders(found, held, sql.open_by_permission, most)
    return found


def _add_for_holders(
    found: dict[Any, Waiting], holders: set[tuple[Any, Any]], statement: Statement, most: int
) -> None:
    """Add each group's or permission's open requests to `found`, for each member or holder.

    `holders` are pairs of the key of a group, or the name of a permission, and the key of a person.
    """
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

"""The open requests that people may answer, for many people at once.

The number of queries grows with neither the people nor the requests. At most 100 requests are read
for each assignee, so a count of 100 means "more than 99".
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from chat.left import not_left_to
from chat.models import Assignment, Delegation, HumanRequest
from chat.store import sql
from chat.urgency import urgent_requests
from procedures.models.clock import clock
from procedures.store.statements import Statement
from procedures.users import User, active_users, is_active, permission_holders, users

MOST = 100
Waiting = dict[UUID, UUID]
"""The open requests that a person may answer, each with its session."""


def people_named(names: Iterable[str], among: Collection[Any]) -> set[Any]:
    """Return the primary keys of the active people in `among` to whom these names refer.

    Names are written as in `HumanRequest.assigned`. Superusers are always included: they may answer
    every request, although no assignment names them. Deputies are included with the people they
    stand in for.
    """
    return set().union(*people_by_name(names, among).values())


def people_by_name(names: Iterable[str], among: Collection[Any]) -> dict[str, set[Any]]:
    """Return, by name, the primary keys of the active people in `among` to whom it refers.

    The name "" refers to the superusers, who are affected by every change.
    """
    given, present = _delegations_to(among), {*among}
    found = _people_by_name(names, {*among, *given})
    for name, people in found.items():
        deputies = {to for user in people & given.keys() if name for to in given[user]}
        found[name] = (people | deputies) & present
    return found


def _people_by_name(names: Iterable[str], among: Collection[Any]) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {"": set()} | {name: set() for name in names}
    present = active_users().filter(pk__in=among).order_by()
    people = set()
    for pk, is_superuser, group in present.values_list("pk", "is_superuser", "groups"):
        people.add(pk)
        for name in (f"user:{pk}", f"group:{group}", *([""] if is_superuser else [])):
            if name in found:
                found[name].add(pk)
    permissions = {name.removeprefix("perm:") for name in found if name.startswith("perm:")}
    for permission, pk in permission_holders(permissions, people):
        found[f"perm:{permission}"].add(pk)
    return found


def waiting_of(user: User) -> Waiting:
    """Return the requests that wait for one person, the most urgent first, at most 100."""
    return urgent_requests(user, MOST)


def waiting_for(people: Collection[Any]) -> dict[Any, Waiting]:
    """Return the requests that each of these people may answer, as `answerable_requests` decides.

    People are given by their primary keys; those who aren't active are missing from the result.
    """
    given = _delegations_to(people)
    everybody = active_users().filter(pk__in={*people, *given})
    known = dict(everybody.values_list("pk", "is_superuser"))
    present = {pk: known[pk] for pk in people if pk in known}
    found: dict[Any, Waiting] = {pk: {} for pk in present}
    for pk, waiting in _waiting_by_assignment(known).items():
        for one in {pk, *given.get(pk, ())} & present.keys():
            found[one] |= waiting
    if superusers := [pk for pk, is_superuser in present.items() if is_superuser]:
        most = HumanRequest.objects.open().by_urgency().values_list("pk", "session")[:MOST]
        all_open = dict(most)
        found |= {pk: dict(all_open) for pk in superusers}
    _leave_out_done(found, given)
    return found


def _delegations_to(people: Collection[Any]) -> dict[Any, set[Any]]:
    """Return, by each person who has delegated requests, the deputies among these people."""
    given: dict[Any, set[Any]] = defaultdict(set)
    active = Delegation.objects.active(clock.moment()).filter(is_active("to__"), to__in=people)
    found = active.order_by()
    for user, to in found.values_list("user", "to"):
        given[user].add(to)
    return given


def _leave_out_done(found: dict[Any, Waiting], given: dict[Any, set[Any]]) -> None:
    """Remove from each person the requests that aren't left to them, as `is_left_to` decides.

    If more requests were open than were read, the person's list is read again, without these.
    """
    cut = {pk for pk, waiting in found.items() if len(waiting) >= MOST}
    for person, gone in not_left_to(found, given).items():
        found[person] = {pk: at for pk, at in found[person].items() if pk not in gone}
        if person in cut and len(found[person]) < MOST and gone:
            found[person] = waiting_of(users().get(pk=person))


def _waiting_by_assignment(people: Collection[Any]) -> dict[Any, Waiting]:
    found: dict[Any, Waiting] = defaultdict(dict)
    if not people:
        return found
    for pk, request, session in sql.open_by_user.fetch(list(people)):
        found[_key(pk)][_id(request)] = _id(session)
    members = users().filter(pk__in=people).exclude(groups=None).order_by()
    _add(found, set(members.values_list("groups", "pk")), sql.open_by_group)
    permissions = Assignment.objects.filter(is_open=True).exclude(permission="").order_by()
    names = set(permissions.values_list("permission", flat=True).distinct())
    _add(found, permission_holders(names, people), sql.open_by_permission)
    return found


def _add(found: dict[Any, Waiting], holders: set[tuple[Any, Any]], statement: Statement) -> None:
    """Add the open requests of each group or permission to `found`, for each of its holders."""
    opened: dict[Any, Waiting] = defaultdict(dict)
    if keys := {key for key, _ in holders}:
        for key, request, session in statement.fetch(list(keys)):
            opened[key][_id(request)] = _id(session)
    for key, pk in holders:
        found[pk] |= opened[key]


def _key(value: Any) -> Any:
    return get_user_model()._meta.pk.to_python(value)  # noqa: SLF001 (Django documents it)


def _id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)

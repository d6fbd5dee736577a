"""Queries for requests that nobody active can answer, and for the causes of such requests.

A cause is a procedure whose questions nobody active could answer, or the name of an assignee in
code that matches nobody active.

Superusers are left out, because they may answer everything. The number of queries doesn't grow with
the number of open requests.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from enum import IntEnum
from functools import cache, lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from chat.models import Assignment, HumanRequest
from chat.models.request_queries import HumanRequestQuerySet
from chat.store import sql
from procedures import access
from procedures.models import Grant, Procedure
from procedures.store.merging import merging, of_id
from procedures.users import User, active_users, is_active, members_path, name_field, users

SUBSTITUTES = ("answer", "operate")
"""The roles whose holders are asked instead if no assignee of a request is active.

The holders of the second role are asked only if the first role has no active holder.
"""
MOST_SUSPECTS = 10_000
"""The maximum number of requests that are looked up by their keys; see `_suspects`.

If more requests might have nobody to answer them, all open requests are read instead.
"""
MOST_AT_ONCE = 500
"""The maximum number of names in one query; databases limit the parameters of a query."""


class Reach(IntEnum):
    """The reach of a name in `assign=`.

    The name refers to nothing that exists, to nobody active, or to somebody active.
    """

    NOWHERE = 0
    NOBODY = 1
    SOMEBODY = 2


def requests_without_answerers(asked: Set[str] | None = None) -> HumanRequestQuerySet:
    """Return the open requests that nobody but superusers can answer.

    `asked` are the permissions that were ever assigned to a request, such as "app.code". By
    default, they are read from the database.
    """
    suspects = _suspects(_asked() if asked is None else asked)
    if suspects == []:
        return HumanRequest.objects.none()
    is_there = (
        is_active("user__")
        | Q(group__in=_present_groups())
        | Q(permission__in=_held_permissions().values("full_name"))
    )
    answerable = Assignment.objects.filter(is_there, request=OuterRef("pk"))
    requests = HumanRequest.objects.open().filter(~Exists(answerable.order_by()))
    return requests if suspects is None else requests.filter(pk__in=suspects)


def _suspects(asked: Set[str]) -> list[UUID] | None:
    """Return the ids of the open requests that might have nobody to answer them.

    They have no assignee, or at least one assignee who is inactive, or a group or permission
    without an active holder. Return None if there are `MOST_SUSPECTS` such requests or more.
    """
    held = set(_held_permissions().values_list("full_name", flat=True)) if asked else set()
    with connection.cursor() as cursor:
        cursor.execute(*_statement_for_absent_groups())
        groups = frozenset(group for (group,) in cursor.fetchall())
        cursor.execute(*_statement_for_suspects(groups, frozenset(asked - held)))
        found = [of_id(request) for (request,) in cursor.fetchall()]
    return found if len(found) < MOST_SUSPECTS else None


# Django takes longer to write these two statements than the database to execute them, and each
# home page needs them.
@cache
def _statement_for_absent_groups() -> tuple[str, tuple[Any, ...]]:
    absent = Group.objects.exclude(pk__in=_present_groups()).order_by()
    return absent.values_list("pk").query.sql_with_params()


@lru_cache(maxsize=8)
def _statement_for_suspects(
    groups: frozenset[int], permissions: frozenset[str]
) -> tuple[str, Sequence[Any]]:
    waiting = Assignment.objects.filter(is_open=True).order_by().values_list("request")
    absent = users().filter(~is_active())
    parts: list[QuerySet[Any, Any]] = [
        HumanRequest.objects.open().filter(is_unasked=True).order_by().values_list("pk"),
        waiting.filter(group__in=groups),
        waiting.filter(user__in=absent.order_by().values("pk")),
        waiting.exclude(permission="").filter(permission__in=permissions),
    ]
    statement = merging(parts, order="1", limit=MOST_SUSPECTS)
    assert statement is not None  # unasked requests are always looked for
    return statement


def _asked() -> set[str]:
    """Return the permissions that were ever assigned to a request, such as "app.code"."""
    return {name for (name,) in sql.assigned_permissions.fetch()}


def _present_groups() -> QuerySet[Any, Any]:
    present = Group.objects.filter(is_active(f"{members_path()}__"))
    return present.order_by().values("pk")


def procedures_without_answerers() -> QuerySet[Procedure]:
    """Return the procedures for which no group with an active member has the role `answer`."""
    return Procedure.objects.exclude(pk__in=_present_grants("answer").values("procedure"))


def procedures_with_substitutes() -> QuerySet[Procedure]:
    """Return the procedures that have somebody active to ask if a request's assignees are gone."""
    if _operates_everything().exists():
        return Procedure.objects.all()
    return Procedure.objects.filter(pk__in=_present_grants(*SUBSTITUTES).values("procedure"))


def substitutes(procedures: Collection[int]) -> dict[int, list[Assignment]]:
    """Return, by key of each procedure, unsaved assignments to the people to ask instead.

    They are the groups with the role `answer`. If there are none, they are the groups with the role
    `operate` and the holders of the permission to operate every run. Groups without active members
    are left out, so the list can be empty.
    """
    found: dict[str, dict[int, list[Assignment]]] = {
        role: defaultdict(list) for role in SUBSTITUTES
    }
    grants = _present_grants(*SUBSTITUTES).filter(procedure__in=procedures)
    for grant in grants.select_related("group").order_by("group"):
        found[grant.role][grant.procedure_id].append(Assignment(group=grant.group))
    everywhere = [access.OPERATE] if _operates_everything().exists() else []
    return {
        pk: found["answer"][pk]
        or found["operate"][pk] + [Assignment(permission=name) for name in everywhere]
        for pk in procedures
    }


def reach_of(names: Iterable[str]) -> dict[str, Reach]:
    """Return the `Reach` of each name.

    A name has the same form as in `assign=`: "finance", "@bob" or "perm:app.code".
    """
    wanted = set(names)
    known = _reach_of_groups(wanted) | _reach_of_users(wanted) | _reach_of_permissions(wanted)
    return {name: known.get(name, Reach.NOWHERE) for name in wanted}


def _reach_of_groups(names: Collection[str]) -> dict[str, Reach]:
    """Return the `Reach` of each name that is the name of a group.

    The names come from a site's code, where any text can be the name of a group. Therefore Python
    compares the names with those of existing groups, and only names of groups are sent to the
    database.
    """
    here = {*names}.intersection(Group.objects.order_by().values_list("name", flat=True))
    member = active_users().filter(groups=OuterRef("pk"))
    groups = Group.objects.order_by().annotate(is_held=Exists(member))
    return _reaches(_rows(groups, "name", here, "is_held"))


def _reach_of_users(names: Collection[str]) -> dict[str, Reach]:
    plain = {name[1:] for name in names if name.startswith("@")}
    found = _rows(active_users().order_by(), name_field(), plain, "pk")
    return {f"@{name}": Reach.SOMEBODY for name, _ in found}


def _reach_of_permissions(names: Collection[str]) -> dict[str, Reach]:
    plain = {name.removeprefix("perm:") for name in names if name.startswith("perm:")}
    held = _rows(_permissions().annotate(is_held=Exists(_holder())), "full_name", plain, "is_held")
    return _reaches((f"perm:{name}", is_held) for name, is_held in held)


def _rows(
    found: QuerySet[Any], field: str, values: Iterable[str], also: str
) -> Iterator[tuple[str, bool]]:
    """Yield the columns `field` and `also` of each row whose `field` is one of `values`."""
    left = iter(sorted(values))
    while part := [*islice(left, MOST_AT_ONCE)]:
        yield from found.filter(**{f"{field}__in": part}).values_list(field, also)


def _reaches(found: Iterable[tuple[str, bool]]) -> dict[str, Reach]:
    return {name: Reach.SOMEBODY if is_held else Reach.NOBODY for name, is_held in found}


def _present_grants(*roles: str) -> QuerySet[Grant]:
    """Return the grants of the given roles to groups that have an active member."""
    return Grant.objects.filter(role__in=roles, group__in=_present_groups())


def _operates_everything() -> QuerySet[Any]:
    return _held_permissions().filter(full_name=access.OPERATE)


def _held_permissions() -> QuerySet[Any]:
    """Return the permissions held by an active person, directly or by a group.

    Superusers hold every permission and are therefore left out.
    """
    return _permissions().filter(Exists(_holder()))


def _holder() -> QuerySet[User]:
    """Return the active people who hold the permission in the outer query's row.

    Superusers are left out.
    """
    is_given = Q(user_permissions=OuterRef("pk")) | Q(groups__permissions=OuterRef("pk"))
    return active_users().filter(is_given, is_superuser=False)


def _permissions() -> QuerySet[Any]:
    """Return all permissions, in no particular order, each with a `full_name` like "app.code"."""
    name = Concat("content_type__app_label", Value("."), "codename")
    # The order is removed: the default one joins the content types needlessly, and a subquery has
    # no order.
    return Permission.objects.order_by().annotate(full_name=name)

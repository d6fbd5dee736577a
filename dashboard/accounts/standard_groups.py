"""The groups that every site has, and the permissions that `migrate` gives them."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from dashboard.accounts.names import history_fault
from dashboard.models import FormerName, StandardGroup
from procedures.databases import OURS
from procedures.services import names_in_code
from procedures.users import users

logger = logging.getLogger(__name__)
Kind = StandardGroup.Kind
NAMES = {
    Kind.OPERATORS: ("Operators", "Site operators"),
    Kind.AUDITORS: ("Auditors", "Site auditors"),
    Kind.MANAGERS: ("Site managers", "Managers of the site"),
}
"""The names of the groups; the second one is used if the first one belongs to another group."""


class Rule(NamedTuple):
    """Some permissions: those for models of these apps, with codenames that match a pattern."""

    apps: frozenset[str]
    codes: str


def fill_standard_groups() -> None:
    """Create the standard groups that are missing, and give each the permissions that it lacks.

    Permissions that somebody else gave such a group stay. Calling it twice is harmless.
    """
    with transaction.atomic():
        held = {one.kind: one.group for one in StandardGroup.objects.select_related("group")}
        for kind in Kind:
            if group := held.get(kind) or _make(kind):
                group.permissions.add(*permissions_for(kind))


def permissions_for(kind: StandardGroup.Kind) -> "list[Permission]":
    """Return the permissions that a standard group has on every site."""
    found = Q(pk__in=[])
    for rule in _rules(kind):
        found |= Q(content_type__app_label__in=rule.apps, codename__regex=rule.codes)
    return list(Permission.objects.filter(found))


def _rules(kind: StandardGroup.Kind) -> Iterator[Rule]:
    names = users().model._meta  # noqa: SLF001 (Django documents it)
    of_users, person = frozenset({names.app_label}), names.model_name
    ours, auth = frozenset(OURS), frozenset({"auth"})
    if kind == Kind.OPERATORS:
        yield Rule(ours, "^(view|operate)_")
    elif kind == Kind.AUDITORS:
        yield Rule(ours, "^view_")
        yield Rule(auth, "^view_group$")
        yield Rule(of_users, f"^view_{person}$")
        yield Rule(frozenset({"admin"}), "^view_logentry$")
    else:
        yield Rule(of_users, f"^(add|change|view)_{person}$")
        yield Rule(auth, "^(add|change|view)_group$")
        yield Rule(ours, "^(add|change|delete|view)_grant$")
        yield Rule(ours, "^(view_procedure|view_signin|view_delegation|(view|delete)_apitoken)$")


def _make(kind: StandardGroup.Kind) -> Group | None:
    """Create the group of a kind; return None if each of its names belongs to somebody else.

    A group of that name isn't taken over: its members would be given permissions. Nor is a name
    used that the site's code mentions: the members would be asked what it assigns to that name.
    """
    used = [*Group.objects.values_list("name", flat=True), *names_in_code()]
    taken = {name.casefold() for name in used}
    for name in NAMES[kind]:
        if name.casefold() in taken or history_fault(FormerName.Kind.GROUP, name, None):
            continue
        group = Group.objects.create(name=name)
        StandardGroup.objects.create(kind=kind, group=group)
        return group
    logger.warning(
        "There is no group for %s: the names %s belong to others.", kind.value, NAMES[kind]
    )
    return None

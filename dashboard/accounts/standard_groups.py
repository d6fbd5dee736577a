"""The groups that every site has, and the permissions that `migrate` gives them."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from dashboard.accounts.names import history_fault
from dashboard.models import FormerName, StandardGroup
from procedures.databases import OURS
from procedures.services import names_in_code
from procedures.transactions import service_atomic
from procedures.users import users

logger = logging.getLogger(__name__)
Kind = StandardGroup.Kind
NAMES = {
    Kind.OPERATORS: ("Operators", "Site operators"),
    Kind.AUDITORS: ("Auditors", "Site auditors"),
    Kind.MANAGERS: ("Site managers", "Managers of the site"),
}
"""Two names for each standard group; the second one is used if another group has the first one."""


class Rule(NamedTuple):
    """Permissions to give: those of models in `apps` whose codenames match the pattern `codes`."""

    apps: frozenset[str]
    codes: str


def fill_standard_groups() -> None:
    """Create the standard groups that are missing, and give each the permissions that it lacks.

    Other permissions of such a group aren't taken away. Calling this twice is harmless.
    """
    with service_atomic:
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
        yield Rule(ours, "^(add|change|view)_announcement$")
        yield Rule(ours, "^(add|change|delete|view)_retention$")
        yield Rule(ours, "^(add|delete|view)_legalhold$")
        yield Rule(ours, "^(view_procedure|view_signin|view_delegation|(view|delete)_apitoken)$")


def _make(kind: StandardGroup.Kind) -> Group | None:
    """Create the standard group of a kind; return None if neither of its two names is free.

    A name isn't free if another group has it, because the members of that group would get the
    permissions. A name isn't free either if code assigns requests to it, because the members of the
    standard group would be asked.
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
        "The standard group %s wasn't created, because each possible name is already in use: %s.",
        kind.value,
        NAMES[kind],
    )
    return None

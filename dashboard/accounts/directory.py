"""The people of a site as a list shows them: states, privileges and numbers of requests."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as lazy

from chat.models import Delegation, Presence
from chat.services import waiting_for
from chat.services.waiting import MOST
from dashboard.accounts.rights import operating_everything
from dashboard.models import ApiToken
from procedures import access
from procedures.models import Grant
from procedures.models.clock import clock
from procedures.users import (
    User,
    has_user_field,
    is_active,
    name_field,
    permission_holders,
    users,
)

NAME_FIELDS = ("first_name", "last_name")


class State(TextChoices):
    """The state of an account."""

    INVITED = "invited", lazy("Invited")
    ACTIVE = "active", lazy("Active")
    AWAY = "away", lazy("Away")
    LEFT = "left", lazy("Account closed")


class Privilege(TextChoices):
    """A privilege of an account, such as "Staff" or "Operator"."""

    SUPERUSER = "superuser", lazy("Superuser")
    STAFF = "staff", lazy("Staff")
    OPERATOR = "operator", lazy("Operator")


class Filters(NamedTuple):
    """The conditions that narrow a list of people; a condition that is "" has no effect."""

    words: str = ""
    state: str = ""
    privilege: str = ""
    group: str = ""


@dataclass(frozen=True)
class ListedPerson:
    """A person in the list, with the person's state, privileges and counts."""

    user: User
    state: State
    privileges: Sequence[Privilege]
    groups: Sequence[str]
    seen_at: datetime | None
    """The last time when the person had a page open or signed in."""
    waiting: str
    """The number of requests that wait for the person, such as "3" or "99+"."""
    deputy: Delegation | None


def people(filters: Filters) -> "QuerySet[User]":
    """Return the users that match all of the filters."""
    found = users()
    if filters.words:
        found = found.filter(_named(filters.words))
    if filters.group:
        named = users().filter(groups__name__iexact=filters.group).order_by()
        found = found.filter(pk__in=named.values("pk"))  # two groups may differ in case alone
    if filters.state in State:
        found = found.filter(_in_state(State(filters.state)))
    if filters.privilege in Privilege:
        found = found.filter(_privileged(Privilege(filters.privilege)))
    return found


def full_name_of(user: User) -> str:
    """Return the first and the last name of a person, as far as the site's users have them."""
    return " ".join(filter(None, (str(getattr(user, name, "")) for name in NAME_FIELDS)))


def entries(found: Collection[User]) -> list[ListedPerson]:
    """Return an entry for each user, with about as many database queries as for one user."""
    keys = [one.pk for one in found]
    groups = _groups_of(keys)
    seen = dict(Presence.objects.filter(user__in=keys).values_list("user", "seen_at"))
    waiting, operators, deputies = waiting_for(keys), _operators_among(keys), deputies_of(keys)
    with_tokens = set(_usable_tokens().filter(user__in=keys).values_list("user", flat=True))
    return [
        ListedPerson(
            user=one,
            state=_state_of(one, deputies.get(one.pk), has_token=one.pk in with_tokens),
            privileges=_privileges_of(one, is_operator=one.pk in operators),
            groups=groups[one.pk],
            seen_at=max(filter(None, (seen.get(one.pk), one.last_login)), default=None),
            waiting=_count(len(waiting.get(one.pk, ()))),
            deputy=deputies.get(one.pk),
        )
        for one in found
    ]


def deputies_of(keys: Collection[Any]) -> dict[Any, Delegation]:
    """Return the delegation that is in force for each of these people, by the person's key.

    If a person has given several delegations, the newest one is returned.
    """
    active = Delegation.objects.active(clock.moment()).filter(user__in=keys)
    return {one.user_id: one for one in active.select_related("to").order_by("pk")}


def _named(text: str) -> Q:
    fields = [name_field(), users().model.get_email_field_name(), *NAME_FIELDS]
    found = Q(pk__in=[])
    for field in filter(has_user_field, fields):
        found |= Q(**{f"{field}__icontains": text})
    return found


def _in_state(state: State) -> Q:
    away = Q(Exists(Delegation.objects.active(clock.moment()).filter(user=OuterRef("pk"))))
    invited = Q(last_login=None) & ~Q(Exists(_usable_tokens().filter(user=OuterRef("pk"))))
    return {
        State.LEFT: ~is_active(),
        State.AWAY: is_active() & away,
        State.INVITED: is_active() & ~away & invited,
        State.ACTIVE: is_active() & ~away & ~invited,
    }[state]


def _usable_tokens() -> "QuerySet[ApiToken]":
    return ApiToken.objects.filter(revoked_at=None).order_by()


def _state_of(user: User, deputy: Delegation | None, *, has_token: bool) -> State:
    if not user.is_active:
        return State.LEFT
    if deputy:
        return State.AWAY
    return State.INVITED if user.last_login is None and not has_token else State.ACTIVE


def _privileged(privilege: Privilege) -> Q:
    if privilege == Privilege.OPERATOR:
        granted = users().filter(groups__in=_operating_groups()).order_by()
        return Q(pk__in=granted.values("pk")) | Q(pk__in=operating_everything().values("pk"))
    if privilege == Privilege.SUPERUSER:
        return Q(is_superuser=True)
    return Q(is_staff=True) if has_user_field("is_staff") else Q(pk__in=[])


def _privileges_of(user: User, *, is_operator: bool) -> list[Privilege]:
    if user.is_superuser:
        return [Privilege.SUPERUSER]
    is_staff = getattr(user, "is_staff", False)
    return [
        *([Privilege.STAFF] if is_staff else []),
        *([Privilege.OPERATOR] if is_operator else []),
    ]


def _operators_among(keys: Collection[Any]) -> set[Any]:
    granted = users().filter(pk__in=keys, groups__in=_operating_groups()).order_by()
    everywhere = {key for _name, key in permission_holders([access.OPERATE], keys)}
    return everywhere | set(granted.values_list("pk", flat=True))


def _operating_groups() -> "QuerySet[Any, Any]":
    return Grant.objects.filter(role="operate").order_by().values("group")


def _groups_of(keys: Collection[Any]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = defaultdict(list)
    named = users().filter(pk__in=keys).exclude(groups=None).order_by("groups__name")
    for key, group in named.values_list("pk", "groups__name"):
        found[key].append(group)
    return found


def _count(waiting: int) -> str:
    return f"{MOST - 1}+" if waiting >= MOST else str(waiting)

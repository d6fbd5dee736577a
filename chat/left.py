"""The rule that decides for whom an open request still waits, for one person and for many.

The rule is for people to whom the request is assigned. An assignee may also be unable to answer for
a rarer reason, for example because the parent of the request's run was started with the assignee's
token. Such reasons are checked only when somebody answers; see `rights`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat

from chat.models import Assignment, Delegation, HumanRequest, HumanResponse, Snooze
from chat.models.request_queries import may_take_votes
from chat.store import sql
from procedures.among import is_among
from procedures.conf import conf
from procedures.models.clock import clock
from procedures.users import User, active_users, has_user_field, kept_on, users


def is_left_to(user: User) -> Q:
    """Return a `Q` that matches open requests which still wait for this user's answer.

    A request doesn't match in these cases:

    - Somebody else has claimed the request, and the user isn't the claimer's deputy.
    - The user has voted already.
    - A program asked with the user's token.
    - The request has `four_eyes`, and the user started the request's run. If that run is a fork,
      the same applies to the user who started the run that was forked.

    The query tests every request separately. Therefore narrow the query to the primary keys of a
    few requests.
    """
    run = "wait__run__"
    is_own = Q(**{f"{run}started_by": user}) | Q(**{f"{run}origin__started_by": user})
    votes = HumanResponse.objects.filter(request=OuterRef("pk"), user=user, undone_at=None)
    has_voted = Q(Exists(votes.order_by())) & may_take_votes()
    is_free = Q(claimed_by__isnull=True) | Q(claimed_by=user)
    if are_any_claimed(user):
        principals = Delegation.objects.active(clock.moment()).filter(to=user).order_by()
        is_free |= Q(claimed_by__in=principals.values("user")) | is_claim_stale()
    by_token = Q(**{f"{run}started_by": user}) & ~Q(**{f"{run}program": ""})
    is_free &= Q() if conf.ASKERS_MAY_ANSWER else ~by_token
    return is_free & ~Q(is_own, four_eyes=True) & ~has_voted


def are_any_claimed(user: User) -> bool:
    """Return True if any open request is claimed; this is read once for all lists of a page.

    If no request is claimed, queries leave out the rule about whose claims are still in force,
    because PostgreSQL takes longer to plan that rule than to execute the rest of the query. If
    somebody claims a request after this was read, the queries show the request only to the claimer.
    """
    return rule_facts(user).are_any_claimed


class RuleFacts(NamedTuple):
    """The facts that decide which rules are needed in the queries for a user's request lists."""

    permissions: frozenset[str]
    """All permissions that are or were ever assigned to a request, such as "app.code"."""
    are_any_claimed: bool
    """True if any open request is claimed."""
    are_any_snoozed: bool
    """True if the user has snoozed any request."""


def rule_facts(user: User) -> RuleFacts:
    """Return the `RuleFacts` for a user, read once for each user object, with one query."""
    return kept_on(user, "rule_facts", lambda: _read_rule_facts(user))


def _read_rule_facts(user: User) -> RuleFacts:
    names = {name for (name,) in sql.facts_for_rules.fetch(user.pk, clock.cell())}
    claimed, snoozed = "" in names, None in names
    permissions = frozenset(filter(None, names))
    return RuleFacts(permissions, are_any_claimed=claimed, are_any_snoozed=snoozed)


def is_snoozed_by(user: User, now: datetime | Combinable) -> Q:
    """Return a `Q` that matches requests that the user has snoozed until later than `now`."""
    snoozed = Snooze.objects.filter(request=OuterRef("pk"), user=user, until__gt=now)
    return Q(Exists(snoozed.order_by()))


def is_claim_stale() -> Q:
    """Return a `Q` that matches claimed requests whose claim is not in force.

    See `is_claim_in_force`.
    """
    return Q(claimed_by__isnull=False) & ~is_claim_in_force()


def is_claim_in_force() -> Q:
    """Return a `Q` that matches requests that are claimed by somebody who may still answer them.

    The claimer must be active, and must be an assignee, the deputy of an assignee, or a superuser
    if nobody is assigned. A claim by anybody else is not in force, so that the claim of somebody
    whom the request no longer asks doesn't keep other people from answering.
    """
    return _is_claim_in_force(clock.moment())


@lru_cache(maxsize=2)
def _is_claim_in_force(now: Combinable) -> Q:
    """Return the condition of `is_claim_in_force` at the time `now`.

    The condition is cached, because Django takes longer to build it than to build the rest of a
    query for the requests that wait for somebody.
    """
    own = Assignment.objects.filter(_asks("claimed_by"), request=OuterRef("pk"))
    principals = Assignment.objects.filter(_asks("user"), request=OuterRef(OuterRef("pk")))
    given = Delegation.objects.active(now).filter(to=OuterRef("claimed_by"))
    given = given.filter(Exists(principals.order_by()))
    has_right = Q(Exists(own.order_by())) | Q(Exists(given.order_by()))
    # No join, because PostgreSQL would read all users for it, although few requests are claimed.
    claimer = active_users().filter(pk=OuterRef("claimed_by")).order_by()
    if has_user_field("is_superuser"):
        has_right |= Q(Exists(claimer.filter(is_superuser=True)), is_unasked=True)
    return Q(claimed_by__isnull=False) & Q(Exists(claimer)) & has_right


def _asks(person: str) -> Q:
    """Return a `Q` that matches the assignments that ask a certain user.

    The user is the one in the column `person` of the outer query's rows, such as "claimed_by". An
    assignment to a permission doesn't ask superusers, although they hold every permission.
    """
    them = users().filter(pk=OuterRef(OuterRef(person))).order_by()
    found = Q(user=OuterRef(person)) | Q(Exists(them.filter(groups=OuterRef("group"))))
    for path in ("user_permissions", "groups__permissions"):
        full_name = Concat(f"{path}__content_type__app_label", Value("."), f"{path}__codename")
        held = them.filter(is_superuser=False).annotate(permission_name=full_name)
        is_held = Q(Exists(held.filter(permission_name=OuterRef("permission"))))
        found |= ~Q(permission="") & is_held
    return found


class _Facts(NamedTuple):
    """The columns of a request that decide for whom the request waits."""

    pk: UUID
    four_eyes: bool
    quorum: int
    claimer: Any
    program: str
    starter: Any
    first_starter: Any


FACTS = ("pk", "four_eyes", "quorum", "claimed_by", "wait__run__program")
STARTERS = ("wait__run__started_by", "wait__run__origin__started_by")


def not_left_to(
    waiting: Mapping[Any, Collection[UUID]], deputies: Mapping[Any, Collection[Any]]
) -> dict[Any, set[UUID]]:
    """Return, by person, the requests that are assigned to a person but don't wait for that person.

    The rule is the same as in `is_left_to`. `waiting` holds, by person, the requests that are
    assigned to the person. `deputies` holds, by person who has delegated requests, the keys of the
    person's deputies. Persons are given by their primary keys.
    """
    gone: dict[Any, set[UUID]] = defaultdict(set)
    asked = {request for requests in waiting.values() for request in requests}
    facts = _facts_of(asked) if asked else []
    claimed = {one.pk for one in facts if one.claimer is not None}
    counted = HumanRequest.objects.filter(is_claim_in_force(), pk__in=claimed).order_by()
    in_force = set(counted.values_list("pk", flat=True)) if claimed else set()
    for one in facts:
        away = {one.starter, one.first_starter} if one.four_eyes else set()
        if one.program and not conf.ASKERS_MAY_ANSWER:
            away.add(one.starter)
        if one.pk in in_force:
            away |= waiting.keys() - {one.claimer, *deputies.get(one.claimer, ())}
        for person in away & waiting.keys():
            gone[person].add(one.pk)
    if voted_on := [one.pk for one in facts if one.quorum > 1 or one.four_eyes]:
        is_here = is_among("user", waiting)
        votes = HumanResponse.objects.filter(is_here, request__in=voted_on, undone_at=None)
        for person, pk in votes.order_by().values_list("user", "request"):
            gone[person].add(pk)
    return gone


def still_left(request: HumanRequest, people: Sequence[User]) -> list[User]:
    """Return the people among the given ones that an open request still waits for.

    The caller has checked that the request is assigned to each of the given people.
    """
    claimer = request.claimed_by_id
    given = Delegation.objects.active(clock.moment()).filter(user=claimer).order_by()
    deputies = {claimer: set(given.values_list("to", flat=True))} if claimer else {}
    gone = not_left_to({user.pk: {request.pk} for user in people}, deputies) if people else {}
    return [user for user in people if user.pk not in gone]


def _facts_of(requests: Collection[UUID]) -> list[_Facts]:
    is_special = may_take_votes() | Q(claimed_by__isnull=False)
    is_special |= ~Q(wait__run__program="")
    special = HumanRequest.objects.filter(is_special, pk__in=requests).order_by()
    return [_Facts(*row) for row in special.values_list(*FACTS, *STARTERS)]

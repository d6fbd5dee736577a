"""The end of an account when a person leaves, with new assignees for the person's open requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import PermissionDenied

from chat.assignments import find_assignee, people_of
from chat.models import Delegation, HumanRequest
from chat.services import OPERATE_REQUEST, AlreadyAnsweredError, reassign_request
from dashboard.accounts.authority import is_last_superuser, may_change
from dashboard.accounts.open_requests import requests_naming, visible_among
from dashboard.models.trail import note
from procedures.engine.errors import EngineError
from procedures.models.act import counted
from procedures.models.clock import clock
from procedures.transactions import service_atomic
from procedures.users import User, has_user_field

MOST = 50
"""The maximum number of requests that the page lists; all others get the same new assignee."""
MOST_AT_ONCE = 500
"""The maximum number of requests that are reassigned when a person leaves."""


class NamedRequest(NamedTuple):
    """An open request that names the person who leaves, and the request's other assignees."""

    request: HumanRequest
    others: tuple[str, ...]


class ReassignedRequest(NamedTuple):
    """A request that was reassigned; if that failed, `fault` is the reason."""

    prompt: str
    to: str
    fault: str = ""


class LastSuperuserError(Exception):
    """The person is the last active superuser; nobody else could administer the site."""


@dataclass(frozen=True)
class Receipt:
    """A summary of what was done when a person left, such as how many sessions were ended."""

    sessions: int
    tokens: int
    moved: list[ReassignedRequest]
    groups: list[str]


def may_offboard(by: User, user: User) -> bool:
    """Return True if `by` may end another person's account; nobody ends an account of their own."""
    is_possible = by.pk != user.pk and user.is_active and has_user_field("is_active")
    return is_possible and may_change(by, user)


def may_pass_on(by: User) -> bool:
    return by.has_perm(OPERATE_REQUEST)


def requests_left(user: User, *, viewer: User, sees_all: bool) -> tuple[list[NamedRequest], int]:
    """Return the open requests that name a person, and how many more there are.

    At most `MOST` requests are returned. Requests that the viewer may not see are only counted,
    unless `sees_all` is True.
    """
    keys = requests_naming(user, MOST_AT_ONCE)
    first = keys[:MOST]
    shown = (
        HumanRequest.objects.filter(pk__in=first if sees_all else visible_among(viewer, first))
        .by_urgency()
        .select_related("wait__run__procedure")
        .prefetch_related("assignments__user", "assignments__group")
    )
    rows = [NamedRequest(one, _others(one, user)) for one in shown.defer("question")]
    return rows, len(keys) - len(rows)


def deputyships(user: User) -> "list[Delegation]":
    """Return the delegations in force by which a person answers in the place of other people."""
    return list(Delegation.objects.active(clock.moment()).filter(to=user).select_related("user"))


def unknown_assignees(names: "set[str]", user: User) -> "set[str]":
    """Return those of the names that match no active person except `user`, who leaves."""
    return {name for name in names if not _is_somebody(name, user)}


@service_atomic
def offboard(user: User, to: Mapping[UUID, str], *, rest: str, by: User, reason: str) -> Receipt:
    """Reassign a person's open requests, then end the person's account; return what was done.

    `to` maps a request's id to its new assignee: the name of a group, or "@name" for a user. `rest`
    is the new assignee of all other requests that have no assignee except this person; "" if there
    is none. A request without a new assignee, or whose reassignment fails, keeps its assignees.
    Locks runs in the order of their ids, so a parent before its children. Raises
    `PermissionDenied`, and `LastSuperuserError` if nobody else could administer the site.
    """
    if not may_offboard(by, user) or ((rest or any(to.values())) and not may_pass_on(by)):
        raise PermissionDenied
    moved = [
        _pass_on(one, whom, by=by, reason=reason)
        for one in _left_in_full(user)
        if (whom := to.get(one.request.pk, "") or ("" if one.others else rest))
    ]
    # Here, and not only on the page: two superusers may end each other's accounts at once. It comes
    # after the runs, because it locks people, as an answer does after it has locked its run.
    if is_last_superuser([user]):
        raise LastSuperuserError
    receipt = Receipt(
        sessions=user.sign_ins.count(),
        tokens=user.api_tokens.usable().count(),
        moved=moved,
        groups=list(user.groups.order_by("name").values_list("name", flat=True)),
    )
    user.is_active = False
    user.save(update_fields=["is_active"])  # which also ends sessions, tokens and links
    note(by, _summary(receipt), about=user, reason=reason)
    return receipt


def _left_in_full(user: User) -> list[NamedRequest]:
    named = requests_naming(user, MOST_AT_ONCE)
    found = HumanRequest.objects.filter(pk__in=named).order_by("wait__run", "pk")
    rows = found.prefetch_related("assignments__user", "assignments__group")
    return [NamedRequest(one, _others(one, user)) for one in rows.defer("question")]


def _others(request: HumanRequest, user: User) -> tuple[str, ...]:
    return tuple(str(one) for one in request.assignments.all() if one.user_id != user.pk)


def _is_somebody(name: str, user: User) -> bool:
    found = None if name.startswith("perm:") else find_assignee(name)
    return found is not None and people_of([found]).exclude(pk=user.pk).exists()


def _pass_on(left: NamedRequest, to: str, *, by: User, reason: str) -> ReassignedRequest:
    try:
        reassign_request(left.request.pk, to=to, by=by, reason=reason)
    except (AlreadyAnsweredError, EngineError) as refusal:
        return ReassignedRequest(left.request.prompt, to, str(refusal))
    return ReassignedRequest(left.request.prompt, to)


def _summary(receipt: Receipt) -> str:
    done = sum(not one.fault for one in receipt.moved)
    return (
        f"Offboarded. Ended {counted(receipt.sessions, 'session')}, revoked "
        f"{counted(receipt.tokens, 'token')} and all sign-in links, and reassigned "
        f"{counted(done, 'request')}."
    )

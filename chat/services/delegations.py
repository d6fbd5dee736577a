"""Delegations: a person lets a deputy answer for them until a date."""

from datetime import datetime, timedelta

from django.db.models import Q

from chat.doorbell import SIGHT, ring_after_commit
from chat.models import Delegation, HumanRequest, RequestEvent
from chat.models.delegation import DelegationQuerySet
from chat.models.history import new_event
from chat.models.rights import Right
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.models import Act
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.store.rows import insert_row
from procedures.transactions import service_atomic
from procedures.users import User, active_users

LONGEST = timedelta(days=366)


@service_atomic
def delegate(
    *,
    by: User,
    to: User,
    until: datetime,
    from_at: datetime | None = None,
    reason: str = "",
    actor: User | None = None,
) -> Delegation:
    """Let `to` answer the requests of `by` from `from_at`, by default now, until the time `until`.

    When the deputy answers a request, `by` must have a right to answer it at that time. The deputy
    can't delegate these requests to others, and can't answer a `four_eyes` request that `by` has
    caused. The log names `actor` instead of `by` if somebody else has delegated the requests.
    Returns the delegation. Raises `OperationRefusedError` for invalid times, or if `to` is inactive
    or the same person as `by`.
    """
    now = clock.now()
    begins = max(now, from_at) if from_at else now
    if to.pk == by.pk:
        raise OperationRefusedError("You can't delegate requests to yourself.")
    if not active_users().filter(pk=to.pk).exists():
        raise OperationRefusedError(f"{to.get_username()} has no active account.")
    if not begins < until <= begins + LONGEST:
        words = "Choose an end that is later than the beginning, and at most a year later."
        raise OperationRefusedError(words)
    made = Delegation.objects.create(user=by, to=to, from_at=begins, until=until, reason=reason)
    span = f"until {_as_words(until)}"
    span = span if begins == now else f"from {_as_words(begins)} {span}"
    words = f"Away {span}. {to.get_username()} can answer meanwhile."
    log_act(Act.Kind.PERSON, words, by=actor or by, about=by, reason=reason)
    ring_after_commit(SIGHT)
    return made


@service_atomic
def revoke_delegation(delegation_id: int, *, by: User) -> Delegation:
    """End and return a delegation; calling it twice is harmless.

    Only the person who gave the delegation, and superusers, can end it. Raises
    `Delegation.DoesNotExist` if there is no delegation with this id that `by` may end.
    """
    mine = Delegation.objects.select_for_update()
    if not by.is_superuser:
        mine = mine.filter(user=by)
    found = mine.get(pk=delegation_id)
    if found.revoked_at is None:
        found.revoked_at = clock.now()
        found.save(update_fields=["revoked_at"])
        words = f"Ended an absence during which {found.to.get_username()} could answer."
        log_act(Act.Kind.PERSON, words, by=by, about=found.user)
        ring_after_commit(SIGHT)
    return found


def _as_words(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}".rstrip()


def note_delegation(request: HumanRequest, right: Right, *, by: User, at: datetime) -> None:
    """Note in a locked request's history that `by` acts on the request as somebody's deputy.

    This is noted once for each deputy and person represented. Nothing is noted if `right` isn't the
    right of a deputy. The entry is inserted; the caller saves the request, whose number of entries
    has changed.
    """
    if right.of is None:
        return
    noted = request.events.filter(kind=RequestEvent.Kind.DELEGATED, user=right.of)
    if any(one.content["to"] == [by.get_username()] for one in noted):
        return
    # Also one that was revoked since the right was found, in the time between both statements.
    given = Delegation.objects.filter(user=right.of, to=by, from_at__lte=at, until__gt=at)
    delegation = given.filter(Q(revoked_at=None) | Q(revoked_at__gt=at)).latest("pk")
    until = delegation.until.isoformat()
    facts = {"to": [by.get_username()], "until": until, "reason": delegation.reason}
    kind = RequestEvent.Kind.DELEGATED
    insert_row(new_event(request, kind, at=at, by=delegation.user, facts=facts))


def delegations_of(user: User) -> DelegationQuerySet:
    """Return the delegations that the user has given or received and that haven't ended."""
    current = Delegation.objects.filter(until__gt=clock.moment(), revoked_at=None)
    return current.filter(Q(user=user) | Q(to=user)).select_related("user", "to")

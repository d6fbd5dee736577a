"""Delegations: people let somebody else answer for them until a date."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from chat.doorbell import SIGHT, ring_after_commit
from chat.models import Delegation, HumanRequest, RequestEvent
from chat.models.delegation import DelegationQuerySet
from chat.models.history import new_event
from chat.models.rights import Right
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.models.clock import clock
from procedures.store.rows import insert_row
from procedures.users import User, active_users

LONGEST = timedelta(days=366)


@transaction.atomic
def delegate(
    *, by: User, to: User, until: datetime, from_at: datetime | None = None, reason: str = ""
) -> Delegation:
    """Let `to` answer the requests of `by` until a date, from now on unless `from_at` is later.

    Each answer of the deputy depends on the right that the giver has at that moment. A deputy can't
    pass requests on, and can't answer a `four_eyes` request that the giver has caused. Returns the
    delegation. Raises `OperationRefusedError` for invalid dates, or if `to` can't be a deputy.
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
    ring_after_commit(SIGHT)
    return made


@transaction.atomic
def revoke_delegation(delegation_id: int, *, by: User) -> Delegation:
    """End and return a delegation; only its giver and superusers can. Ending it twice is harmless.

    Raises `Delegation.DoesNotExist` if the user may not revoke a delegation with this id.
    """
    mine = Delegation.objects.select_for_update()
    if not by.is_superuser:
        mine = mine.filter(user=by)
    found = mine.get(pk=delegation_id)
    if found.revoked_at is None:
        found.revoked_at = clock.now()
        found.save(update_fields=["revoked_at"])
        ring_after_commit(SIGHT)
    return found


def note_delegation(request: HumanRequest, right: Right, *, by: User, at: datetime) -> None:
    """Note in a locked request's history, once, that a deputy acts on it for somebody else.

    The entry is inserted; the caller saves the request.
    """
    if right.of is None:
        return
    noted = request.events.filter(kind=RequestEvent.Kind.DELEGATED, user=right.of)
    if any(one.content["to"] == [by.get_username()] for one in noted):
        return
    given = Delegation.objects.active(at).filter(user=right.of, to=by).select_related("user")
    delegation = given.latest("pk")
    until = delegation.until.isoformat()
    facts = {"to": [by.get_username()], "until": until, "reason": delegation.reason}
    kind = RequestEvent.Kind.DELEGATED
    insert_row(new_event(request, kind, at=at, by=delegation.user, facts=facts))


def delegations_of(user: User) -> DelegationQuerySet:
    """Return the delegations that the user has given or received and that haven't ended."""
    current = Delegation.objects.filter(until__gt=clock.moment(), revoked_at=None)
    return current.filter(Q(user=user) | Q(to=user)).select_related("user", "to")

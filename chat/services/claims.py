"""Claims: while one person has claimed a request, nobody else can answer it."""

from typing import Any
from uuid import UUID

from chat.channels.planning import notification_time
from chat.models import HumanRequest, RequestEvent
from chat.models.history import HISTORY, end_claim, new_event
from chat.models.session import record
from chat.services.delegations import note_delegation
from chat.services.responses import (
    AlreadyAnsweredError,
    ClaimedError,
    NotAskedError,
    is_claimed_by_others,
)
from chat.services.standing import OPERATE_REQUEST
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.models import Act
from procedures.models.act import log_act
from procedures.services import lock_run
from procedures.store.rows import insert_row
from procedures.transactions import service_atomic
from procedures.users import User

Kind = RequestEvent.Kind


@service_atomic
def claim_request(request_id: UUID, *, by: User, address: str | None = None) -> HumanRequest:
    """Claim an open request, so that nobody else can answer it, and return the request.

    Claiming a request twice is harmless. Raises `NotAskedError` if `by` may not answer the request
    or could only bypass its assignees, `ClaimedError` if somebody else has claimed the request, and
    `OperationRefusedError` if the request has a quorum, so that several people must answer it.
    """
    request, now = _lock_open(request_id)
    right = request.right_of(by, now=now)
    if right is None or right.is_bypass:
        raise NotAskedError(request)
    if request.offered.quorum > 1:
        raise OperationRefusedError("Several people have to agree, so nobody can claim this.")
    if request.claimed_by_id == by.pk:
        return request
    if is_claimed_by_others(request, by, now=now):
        raise ClaimedError(request)
    note_delegation(request, right, by=by, at=now)
    request.claimed_by = by
    facts = {"address": address}
    _save(request, new_event(request, Kind.CLAIMED, at=now, by=by, facts=facts))
    return request


@service_atomic
def release_request(request_id: UUID, *, by: User, reason: str = "") -> HumanRequest:
    """Release your own claim; with the permission to reassign requests, release anybody's.

    The other assignees are notified soon, except those who have been notified of the request
    before. If nobody has claimed the request, nothing happens. Returns the request.
    """
    request, now = _lock_open(request_id)
    if request.claimed_by is None:
        return request
    if request.claimed_by_id != by.pk and not by.has_perm(OPERATE_REQUEST):
        raise ClaimedError(request)
    if request.claimed_by_id != by.pk:
        words = f"Released the claim of {request.claimed_by.get_username()}."
        log_act(Act.Kind.VERB, words, by=by, about=request, reason=reason)
    released = end_claim(request, at=now, reason=reason, by=by)
    times = [request.notify_at, notification_time(now)]
    request.notify_at = min(filter(None, times), default=None)
    _save(request, released)
    return request


@service_atomic
def note_seen(request_id: UUID, *, by: User, channel: str, address: str | None = None) -> bool:
    """Record that a person who is asked has seen an open request.

    Returns False, and records nothing, if this was recorded before or if the person isn't asked. A
    superuser who could only bypass the assignees isn't asked.
    """
    request, now = _lock_open(request_id)
    right = request.right_of(by, now=now)
    if right is None or right.is_bypass or request.events.filter(kind=Kind.SEEN, user=by).exists():
        return False
    note_delegation(request, right, by=by, at=now)
    facts = {"channel": channel, "address": address}
    insert_row(new_event(request, Kind.SEEN, at=now, by=by, facts=facts))
    request.save(update_fields=HISTORY)
    return True


def _lock_open(request_id: UUID) -> tuple[HumanRequest, Any]:
    """Lock the request's run, then the request; return the request and the current time.

    Raises `AlreadyAnsweredError` if the request is closed.
    """
    lock_run(HumanRequest.objects.run_of(request_id))
    request, now = HumanRequest.objects.lock(request_id)
    if not request.is_open:
        raise AlreadyAnsweredError(request)
    return request, now


def _save(request: HumanRequest, event: RequestEvent) -> None:
    insert_row(event)
    request.version += 1
    request.save(update_fields=["claimed_by", "notify_at", "version", *HISTORY])
    record(request.session_id, "request", request.pk, whom=request.assignees)

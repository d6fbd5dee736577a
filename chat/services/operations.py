"""Operations on requests, recorded in the run's journal with the operator and the reason."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from chat.assignments import find_assignee, people_of
from chat.channels.planning import notification_time
from chat.channels.taking_back import plan_taking_back
from chat.doorbell import SIGHT, ring_after_commit
from chat.feed import renew_audiences
from chat.models import HumanRequest, RequestEvent
from chat.models.history import new_event
from chat.models.session import record
from chat.services.responses import AlreadyAnsweredError
from chat.services.standing import OPERATE_REQUEST
from procedures.engine.errors import EngineError
from procedures.engine.journal.events import closing
from procedures.engine.values import canonical
from procedures.engine.values.sizes import cut
from procedures.engine.values.visible import visible_line
from procedures.models.clock import clock
from procedures.services import (
    OperationRefusedError,
    checked_reason,
    expire_wait,
    lock_run,
    note_operation,
    resolve_wait,
)
from procedures.store.rows import insert_row
from procedures.transactions import service_atomic
from procedures.users import User, json_key


def withdraw_request(request_id: UUID, *, by: User, reason: str) -> str:
    """Withdraw a request, and return a sentence that says so.

    The run continues with the outcome "withdrawn" and no value. Takes the same locks as an answer:
    if somebody answers at the same time, whoever comes first closes the request.
    """
    request = HumanRequest.objects.select_related("wait").get(pk=request_id)
    # This comes first, in a transaction of its own: a deadline that has passed wins, even if the
    # clock process hasn't noticed it yet.
    expire_wait(request.wait)
    with service_atomic:
        request = lock_open_request(request)
        comment = checked_reason(reason)
        note_operation(request.wait.run, "withdraw", by=by, reason=reason)
        responder = by.get_username()
        content = closing("withdrawn", responder=responder, comment=comment)
        content["responder_id"] = json_key(by.pk)
        resolve_wait(request.wait, content, at=clock.now())
    return "The request was withdrawn."


LONGEST_NAME = 80
"""The maximum number of characters of an unknown assignee's name that an error repeats."""


class ReassigningDeniedError(EngineError):
    """The user may see the request but doesn't have permission to reassign it."""

    def __init__(self) -> None:
        super().__init__(
            "You don't have permission to reassign this request. "
            "People with the permission “Can withdraw and reassign requests” can."
        )


class NobodyToAnswerError(OperationRefusedError):
    """A reassignment that would leave nobody to answer, and that the caller has not confirmed."""

    def __init__(self, to: str, request: HumanRequest) -> None:
        self.request = request
        super().__init__(
            f"Nobody could answer “{request}” if it asked “{to}”. Choose somebody else, or "
            "reassign it anyway (over the API: `allow_unanswerable`)."
        )


def reassign_request(
    request_id: UUID,
    *,
    to: str,
    by: User,
    reason: str,
    allow_unanswerable: bool = False,
    may_reassign: Callable[[HumanRequest], bool] | None = None,
) -> str:
    """Assign the request to `to` instead: a group, or a user as "@name".

    Returns a sentence that says so. The new assignees are notified like those of a new request. A
    group without active members is refused with `NobodyToAnswerError` unless `allow_unanswerable`
    is true. `may_reassign` is called with the locked request; if it returns False,
    `ReassigningDeniedError` is raised. A caller that doesn't pass `may_reassign` must have checked
    that `by` has the permission. Locks the run, then the request, then the session.
    """
    request = HumanRequest.objects.select_related("wait").get(pk=request_id)
    expire_wait(request.wait)
    with service_atomic:
        request = lock_open_request(request)
        if may_reassign and not may_reassign(request):
            raise ReassigningDeniedError
        assignment = None if to.startswith("perm:") else find_assignee(to)
        if assignment is None:
            named = cut(visible_line(canonical.legible(to)), LONGEST_NAME)
            words = f"There is no “{named}”. Enter a group, or a user as @name."
            raise OperationRefusedError(words)
        if not allow_unanswerable and not people_of([assignment]).exists():
            raise NobodyToAnswerError(to, request)
        noted: dict[str, Any] = {"wait": request.wait.key, "to": str(assignment)}
        noted["to_id"] = json_key(assignment.user_id or assignment.group_id)
        note_operation(request.wait.run, "reassign", by=by, reason=reason, **noted)
        whom = {*request.assignees, assignment.whom}
        now = clock.now()
        facts = {"reason": reason, "to": [str(assignment)]}
        insert_row(new_event(request, RequestEvent.Kind.REASSIGNED, at=now, by=by, facts=facts))
        request.reassign(assignment, notify_at=notification_time(now))
        plan_taking_back(request, now=now)
        record(request.session_id, "request", request.pk, whom=whom)
        renew_audiences(request.wait.run, request.session_id)
        # The journal records this only at the run's next claim, but the row already names the new
        # assignees.
        ring_after_commit(f"run:{request.wait.run_id}")
        ring_after_commit(SIGHT)
    return f"The request was reassigned to {assignment}."


def may_reassign(request: HumanRequest, *, user: User, program: str) -> bool:
    """Return True if the user may reassign the locked request.

    A user with the permission to reassign requests may do so. A user who has claimed the request
    may do so, too, if the request asks that user directly and not only as a deputy, and if no
    program acts with the user's token. `program` is the name of the token, or "" without a token.
    """
    if user.has_perm(OPERATE_REQUEST):
        return True
    if request.claimed_by_id != user.pk or program:
        return False
    right = request.right_of(user)
    return right is not None and right.of is None and not right.is_bypass


def lock_open_request(request: HumanRequest) -> HumanRequest:
    """Lock the request's run, then the request; return the request as it is now in the database.

    Raises `AlreadyAnsweredError` if the request is closed.
    """
    lock_run(request.wait.run_id)
    # The request is read again under both locks, because somebody may have answered it since the
    # caller read it.
    locked = HumanRequest.objects.select_for_update().get(pk=request.pk)
    if not locked.is_open:
        raise AlreadyAnsweredError(locked)
    return locked

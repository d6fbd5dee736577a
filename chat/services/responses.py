"""Answers to requests: one transaction, one outcome."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chat.channels.answers import Answer
from chat.models import Delegation, HumanRequest, HumanResponse, RequestEvent, Searchable
from chat.models.history import new_event
from chat.models.rights import Right
from chat.services.answer_files import with_stored_files
from chat.services.programs import ProgramRefusedError, note_refusal, right_of_answer
from chat.services.recording import note_change, record_answer
from chat.services.standing import revoke_with
from chat.services.undecided import renew_note
from chat.services.voting import ballot_on
from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.kinds.kind import Outcome
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.values import canonical
from procedures.models import Run
from procedures.services import (
    TooLateError,
    expire_wait,
    undo_locked,
)
from procedures.store.rows import insert_row
from procedures.transactions import service_atomic
from procedures.users import User, active_users


class AlreadyAnsweredError(EngineError):
    """An answer to a request that is already closed; the first outcome counts."""

    def __init__(self, request: HumanRequest) -> None:
        self.request = request
        sentences = {
            HumanRequest.Status.ANSWERED: "{by} has already answered this ({outcome}).",
            HumanRequest.Status.EXPIRED: "The deadline of this request has passed ({outcome}).",
            HumanRequest.Status.WITHDRAWN: "This request was withdrawn. {why}",
        }
        sentence = sentences[HumanRequest.Status(request.status)]
        if request.outcome == Outcome.CHANGES_REQUESTED:
            sentence = "{by} has sent this back."
        sentence = sentence.format(
            by=request.closed_by, outcome=request.outcome, why=request.closed_why
        )
        super().__init__(sentence.strip())


class NotAskedError(EngineError):
    """An answer by somebody who may see the request but isn't asked."""

    def __init__(self, request: HumanRequest) -> None:
        asked = " or ".join(str(assignment) for assignment in request.assignments.all())
        words = "This request isn't assigned to you."
        super().__init__(
            f"{words} {asked} can answer it." if asked else f"{words} Administrators can answer it."
        )


class ClaimedError(OperationRefusedError):
    """An attempt to answer or claim a request that somebody else has claimed."""

    def __init__(self, request: HumanRequest) -> None:
        who = request.claimed_by.get_username() if request.claimed_by else ""
        super().__init__(f"{who} has claimed this request. Ask them to release it.")


class NeedsReasonError(AnswerError):
    """An administrator whom the request doesn't ask tried to answer it without giving a reason."""

    def __init__(self) -> None:
        words = "This request isn't assigned to you."
        super().__init__(f"{words} As an administrator, you can answer it if you give a reason.")


class TokenBypassError(NotAskedError):
    """An administrator whom the request doesn't ask tried to answer it with a token."""

    def __init__(self, request: HumanRequest) -> None:
        super().__init__(request)
        self.args = (f"{self} With a token, you can answer only requests that ask you.",)


class NotTheirsToUndoError(OperationRefusedError):
    """A user tried to undo an answer to a request, but hasn't answered this request."""

    def __init__(self) -> None:
        super().__init__("You haven't answered this request, so there is nothing to undo.")


def respond(request_id: UUID, answer: Answer, *, by: User) -> tuple[HumanResponse, bool]:
    """Record a person's answer and let the run continue. The first answer counts.

    Returns the response and True. If the same person repeats the same answer, returns the earlier
    response and False. If the question has `undo=`, the answer is held first, so that it can be
    undone, unless the answer's channel offers no undo. If the question has `quorum=`, the answer is
    a vote, and the request closes with the vote that decides it. If several people must decide, or
    with `four_eyes=`, an answer that changes the values proposed for an action is only a vote.

    Locks the run, then the request, then the session; the run is queued in the same commit. Raises
    `NotAskedError`, `AlreadyAnsweredError`, `AlreadyVotedError`, `ValuesChangedError`,
    `AnswerError` if the value doesn't fit the question, and `NotConfirmedError` if an irreversible
    answer isn't confirmed. Raises `ProgramRefusedError` if a program may not give this answer; the
    refusal is noted in the request's history.
    """
    try:
        return _respond(request_id, with_stored_files(request_id, answer, by=by), by=by)
    except (ProgramRefusedError, TokenBypassError) as error:
        note_refusal(request_id, answer, by, str(error))
        raise


def _respond(request_id: UUID, answer: Answer, *, by: User) -> tuple[HumanResponse, bool]:
    with service_atomic:
        run = HumanRequest.objects.lock_run_of(request_id)
        request, now = HumanRequest.objects.lock(request_id)
        # This comes before all checks that could refuse the answer: a repeated answer returns its
        # first response, even if the person isn't asked any more.
        if earlier := _same_answer(request, answer, by):
            return earlier, False
        if not (request.is_open and request.wait.is_due(now)):
            return _record(run, request, answer, by, now), True
    # This comes after the transaction above, in which the refusal would roll the expiry back.
    expire_wait(request.wait)
    return _respond(request_id, answer, by=by)  # it is closed by now


@service_atomic
def undo_response(request_id: UUID, *, by: User) -> HumanRequest:
    """Undo the held answer, or the vote, of `by`, and return the request, which is then open.

    Takes the same locks as an answer. Raises `NotTheirsToUndoError` if the user hasn't answered.
    Raises `TooLateError` if the answer was never held, or has already taken effect by the
    database's clock.
    """
    run = HumanRequest.objects.lock_run_of(request_id)
    request, now = HumanRequest.objects.lock(request_id)
    response = request.responses.filter(user=by, undone_at=None).first()
    if response is None:
        raise NotTheirsToUndoError
    is_late = response.effective_at is None or response.effective_at <= now
    if is_late or not (request.is_open or _is_held(request, response)):
        raise TooLateError
    response.undone_at = now
    response.save(update_fields=["undone_at"])
    Searchable.objects.filter(request=request, by=by).delete()
    revoke_with(response, at=now)
    insert_row(
        new_event(request, RequestEvent.Kind.UNDONE, at=now, by=by, facts={"response": response.pk})
    )
    if request.is_open:
        request.wait.run = run
        renew_note(request, ballot_on(request), now=now)
        note_change(request)
    else:
        undo_locked(run, request.wait, at=now)
    return request


def _is_held(request: HumanRequest, response: HumanResponse) -> bool:
    """Return True if the response is the one that is held, and not an earlier vote."""
    if request.effective_at is None or not request.wait.held:
        return False
    last = request.responses.filter(undone_at=None).order_by("pk").last()
    return last is not None and last.pk == response.pk


def _record(
    run: Run, request: HumanRequest, answer: Answer, by: User, now: datetime
) -> HumanResponse:
    """Store the answer and return the response; the run and the request must be locked."""
    request.wait.run = run
    right = _checked_right(request, answer, by, now)
    return record_answer(request, answer, right, by=by, now=now)


def _checked_right(request: HumanRequest, answer: Answer, by: User, now: datetime) -> Right:
    """Return the right by which `by` answers an open request; raise an error if `by` has none."""
    # The right is checked now, under the locks. What the user was allowed when the page was drawn
    # doesn't count.
    right = right_of_answer(request, answer, by, now=now)
    if right is None:
        raise NotAskedError(request)
    if not request.is_open:
        raise AlreadyAnsweredError(request)
    if is_claimed_by_others(request, by, now=now, with_principals=True):
        raise ClaimedError(request)
    if right.is_bypass:
        _check_bypass(request, answer)
    return right


def _check_bypass(request: HumanRequest, answer: Answer) -> None:
    """Raise an error if an administrator's bypass lacks a reason or is given with a token."""
    if answer.program:
        raise TokenBypassError(request)
    if not answer.reason.strip():
        raise NeedsReasonError


def is_claimed_by_others(
    request: HumanRequest, by: User, *, now: datetime, with_principals: bool = False
) -> bool:
    """Return True if the request is claimed by somebody else who could still answer it.

    If `with_principals` is true, a claim by somebody whose deputy is `by` doesn't count.
    """
    key = request.claimed_by_id
    if key is None or key == by.pk:
        return False
    claimer = active_users().filter(pk=key).first()
    right = request.right_of(claimer, now=now) if claimer else None
    if right is None or right.is_bypass:
        return False
    given = Delegation.objects.active(now).filter(user=claimer, to=by)
    return not (with_principals and given.exists())


def _same_answer(request: HumanRequest, answer: Answer, by: User) -> HumanResponse | None:
    """Return the user's earlier response if the answer repeats that response, else None.

    If the request is open, an earlier response can only be a vote.
    """
    if request.is_open and not request.may_take_votes:
        return None
    earlier = request.responses.filter(user=by, undone_at=None).first()
    if earlier is None:
        return None
    is_same = (earlier.asks_back, earlier.comment) == (answer.asks_back, answer.comment)
    if is_same and not answer.asks_back:
        is_same = earlier.value == _text(request, answer.value)
    return earlier if is_same else None


def _text(request: HumanRequest, value: Any) -> str:
    """Return an answer's value as the text that would be stored, or "" if the value is invalid."""
    asked, question = request.asked, request.offered
    try:
        checked = question.check(question.completed(value))
        return canonical.text_of(asked.rules.restated(asked, question, checked))
    except (AnswerError, ValueError):
        return ""

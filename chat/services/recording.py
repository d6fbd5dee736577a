"""The recording of an answer: its row, the entry in the history, and the closing of the wait."""

from datetime import datetime, timedelta
from typing import Any

from chat.changes import as_text, edits_between
from chat.channels.answers import Answer
from chat.channels.registry import find_channel
from chat.channels.taking_back import plan_taking_back
from chat.models import HumanRequest, HumanResponse, RequestEvent, Searchable, StandingDecision
from chat.models.history import HISTORY, new_event
from chat.models.rights import Right
from chat.models.session import record
from chat.services.delegations import note_delegation
from chat.services.standing import new_standing
from chat.services.voting import as_closing, earlier_vote, is_decided, votes_on
from procedures.conf import conf
from procedures.engine.errors import AnswerError, Fault
from procedures.engine.journal.events import closing
from procedures.engine.journal.seals import PROOF, seals_of
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.values import canonical
from procedures.engine.values.attachments import files_in
from procedures.engine.values.sizes import Sizes
from procedures.models.proofs import facts_of, ledger_key
from procedures.services import hold_locked, keep_answer_files, resolve_locked
from procedures.store.rows import insert_rows
from procedures.users import User, json_key


class NotConfirmedError(AnswerError):
    """An irreversible answer was not confirmed; nothing was stored."""

    def __init__(self, value: Any) -> None:
        self.value = value
        fault = Fault("confirm", "must be true, because this answer can't be undone.")
        super().__init__("This answer can't be undone. Confirm it.", [fault])


class AlreadyVotedError(OperationRefusedError):
    """The same person has already given a different vote."""

    def __init__(self, vote: HumanResponse) -> None:
        self.vote = vote
        super().__init__(
            "You have voted already. The request stays open until enough people agree."
        )


def record_answer(
    request: HumanRequest,
    answer: Answer,
    right: Right,
    *,
    by: User,
    now: datetime,
    standing: StandingDecision | None = None,
) -> HumanResponse:
    """Store an answer by somebody who has the right to give it, and close or hold the wait.

    The request and its run must be locked, and `request.wait.run` must be the locked run. The
    answer's files must be stored permanently already. `standing` is the standing decision that
    gives the answer, if one does. Returns the response. Raises `AnswerError` if the answer is
    invalid, and `AlreadyVotedError`.
    """
    question, run = request.asked, request.wait.run
    response = _new_response(request, question, answer, by, now)
    response.for_user_id, response.standing = right.of, standing
    response.reason = _clean(answer.reason.strip()) if right.is_bypass else ""
    may_undo = question.undo is not None and not standing and not answer.program
    is_held = may_undo and find_channel(answer.channel).undoes
    response.effective_at = now + timedelta(seconds=question.undo or 0) if is_held else None
    votes = votes_on(request) if question.quorum > 1 else []
    if voted := earlier_vote(response, votes):
        raise AlreadyVotedError(voted)
    note_delegation(request, right, by=by, at=now)
    plan = new_standing(request, question, response, answer, right)
    content = _closing_of(question, response, [*votes, response], right, answer)
    is_last = is_decided(request, question, [*votes, response])
    told = {"program": answer.program}
    _insert(response, right, content if is_last else None, plan, told)
    if not is_last:
        note_change(request)
        plan_taking_back(request, now=now, recipients=[by.pk])
    # This comes last, because it calls the hooks that lock the session, and that lock is to be held
    # as briefly as possible.
    elif response.effective_at:
        hold_locked(run, request.wait, content, at=now, until=response.effective_at)
    else:
        resolve_locked(run, request.wait, content, at=now)
    return response


def _closing_of(
    question: Question,
    response: HumanResponse,
    votes: list[HumanResponse],
    right: Right,
    answer: Answer,
) -> dict[str, Any]:
    """Return the content with which an answer closes its wait, and keep its files with the run."""
    outcome, by = response.outcome_of(question), response.user.get_username()
    said = closing(outcome, response.plain_value, responder=by, comment=response.comment)
    said |= as_closing(votes) if question.quorum > 1 else {}
    run = response.request.wait.run
    files = keep_answer_files(run, [*files_in(answer.value)], at=response.at)
    return {**said, **_proof_of(response, right), **files}


def note_change(request: HumanRequest) -> None:
    """Record a change of the votes on an open request, and tell open pages about it."""
    request.version += 1
    request.save(update_fields=["version", *HISTORY])
    record(request.session_id, "request", request.pk, whom=request.assignees)


def check_answer(question: Question, answer: Answer) -> Any:
    """Return the value of a valid answer; else raise `AnswerError` or `NotConfirmedError`.

    Asking back needs no value and no confirmation, because it decides nothing.
    """
    _clean(answer.comment)
    if answer.asks_back:
        return question.check_ask_back(answer.comment)
    value = question.check(answer.value)
    Sizes(**conf.SIZES).check_answer(question, value)
    question.check_comment(value, answer.comment)
    if question.irreversible and not answer.is_confirmed:
        raise NotConfirmedError(value)
    return value


def _new_response(
    request: HumanRequest, question: Question, answer: Answer, by: User, now: datetime
) -> HumanResponse:
    value = check_answer(question, answer)
    return HumanResponse(
        request=request,
        user=by,
        value=canonical.text_of(value),
        comment=answer.comment,
        at=now,
        channel=answer.channel,
        address=answer.address,
        shown=request.question,
        evidence_digest=question.evidence_digest,
        changes="" if answer.asks_back else _changes(question, value),
        asks_back=answer.asks_back,
    )


def _insert(
    response: HumanResponse,
    right: Right,
    content: dict[str, Any] | None,
    plan: StandingDecision | None,
    more: dict[str, Any],
) -> None:
    """Insert the response, and its entry in the history of the request.

    `content` is the content with which the response closes the wait; it is None for a vote that
    doesn't close it. `plan` is the standing decision that the response creates, if any. `more`
    holds further facts for the history.
    """
    told: dict[str, Any] = {
        "channel": response.channel,
        "address": response.address,
        "right": right.words,
        "evidence_digest": response.evidence_digest,
        PROOF: _proof_of(response, right)[PROOF],
        "by_standing": response.standing_id,
        "closing": canonical.digest(canonical.text_of(content)) if content else None,
        **more,
    }
    if plan:
        told["standing"] = {"uses": plan.uses, "until": plan.expires_at.isoformat()}
    kind = RequestEvent.Kind.ANSWERED if content else RequestEvent.Kind.VOTED
    if response.asks_back:
        kind = RequestEvent.Kind.ASKED_BACK
    if right.is_bypass:
        kind, told["reason"] = RequestEvent.Kind.BYPASSED, response.reason
    event = new_event(response.request, kind, at=response.at, by=response.user, facts=told)
    text = Searchable.of_response(response)
    insert_rows([response, event, *([plan] if plan else []), text])


def _proof_of(response: HumanResponse, right: Right) -> dict[str, Any]:
    """Return what the journal stores about an answer besides its value."""
    owner = str(response.request_id)
    return {
        "responder_id": json_key(response.user_id),
        "right": right.words,
        "right_id": right.group,
        "channel": response.channel,
        "evidence_digest": response.evidence_digest,
        **({"reason": response.reason} if response.reason else {}),
        PROOF: seals_of(facts_of(response), owner=owner, key=ledger_key()),
    }


def _changes(question: Question, value: Any) -> str:
    if question.outcome_of(value) != Outcome.EDITED or "text" not in value:
        return ""
    return as_text(edits_between(question.draft or "", value["text"]))


def _clean(comment: str) -> str:
    """Return the comment unchanged; raise `AnswerError` if it is too long or can't be stored."""
    if len(comment) > (most := Sizes(**conf.SIZES).comment):
        words = f"The comment has {len(comment):,} characters; the limit is {most:,}."
        raise AnswerError(words)
    try:
        comment.encode()
    except UnicodeEncodeError:
        raise AnswerError("The comment contains characters that can't be stored.") from None
    if "\0" in comment:
        raise AnswerError("The comment contains characters that can't be stored.")
    return comment

"""The recording of an answer: the response, the history's entry, and the closing of the wait."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chat.changes import as_text, edits_between
from chat.channels.answers import Answer
from chat.channels.planning import plan_again
from chat.channels.registry import find_channel
from chat.channels.taking_back import plan_taking_back
from chat.models import HumanRequest, HumanResponse, RequestEvent, Searchable, StandingDecision
from chat.models.history import HISTORY, end_claim, new_event
from chat.models.rights import Right
from chat.models.session import record
from chat.services.delegations import note_delegation
from chat.services.standing import new_standing
from chat.services.undecided import renew_note
from chat.services.voting import (
    Ballot,
    as_closing,
    ballot_on,
    check_others_left,
    earlier_vote,
    is_decided,
    new_ballot,
)
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
    """An irreversible answer that was not confirmed; nothing was stored."""

    def __init__(self, value: Any) -> None:
        self.value = value
        fault = Fault("confirm", "must be true, because this answer can't be undone.")
        super().__init__("This answer can't be undone. Confirm it.", [fault])


class ValuesChangedError(OperationRefusedError):
    """An answer to values that were changed after the sender saw them; nothing was stored."""

    def __init__(self, by: str) -> None:
        words = "The values of this request have changed since you saw them."
        if by:
            words = f"{by} has changed the values of this request since you saw them."
        super().__init__(f"{words} Look at the values, and answer again.")


class AlreadyVotedError(OperationRefusedError):
    """A second, different vote by the same person; nothing was stored."""

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
    gives the answer; None if a person gives it. Returns the response. Raises `AnswerError` if the
    answer is invalid, `AlreadyVotedError` if the person has given another vote, and
    `ValuesChangedError` if the values have changed since the person saw them.

    If several people must decide, an answer that changes the proposed values is a vote for the
    changed values. The earlier votes then no longer count, and the other people must vote again.
    """
    run, ballot = request.wait.run, ballot_on(request)
    if answer.seen not in (None, ballot.proposal):
        raise ValuesChangedError(ballot.changed_by)
    response = _new_response(request, ballot.question, answer, by, now)
    response.for_user_id, response.standing = right.of, standing
    response.reason = _clean(answer.reason.strip()) if right.is_bypass else ""
    response.effective_at = _held_until(ballot.question, answer, standing, now)
    if voted := earlier_vote(response, ballot.votes):
        raise AlreadyVotedError(voted)
    note_delegation(request, right, by=by, at=now)
    plan = new_standing(request, request.asked, response, answer, right)
    cast = _with_vote(request, ballot, response, by=by)
    content = _closing_of(cast.question, response, cast.votes, right, answer)
    is_last = is_decided(request, cast.question, cast.votes)
    _insert(response, right, content if is_last else None, plan, {"program": answer.program})
    if not is_last:
        renew_note(request, cast, now=now)
        note_change(request)
        plan_taking_back(request, now=now, recipients=[by.pk])
    # This comes last, because it calls the hooks that lock the session, and that lock is to be held
    # as briefly as possible.
    elif response.effective_at:
        hold_locked(run, request.wait, content, at=now, until=response.effective_at)
    else:
        resolve_locked(run, request.wait, content, at=now)
    return response


def _held_until(
    question: Question, answer: Answer, standing: StandingDecision | None, now: datetime
) -> datetime | None:
    """Return the time until which the answer can be undone; None if the answer can't be undone."""
    if question.undo is None or standing or answer.program:
        return None
    is_held = find_channel(answer.channel).undoes
    return now + timedelta(seconds=question.undo) if is_held else None


def _with_vote(
    request: HumanRequest, ballot: Ballot, response: HumanResponse, *, by: User
) -> Ballot:
    """Return the ballot with the response as another vote.

    If the response changes the proposed values, the result holds this vote alone, and the earlier
    votes no longer count. The response's value is rewritten as an answer to the original question,
    so that all votes can be compared.
    """
    if response.asks_back:
        return ballot.with_vote(response)
    asked = request.asked
    is_change = request.change_among([response]) is not None
    stated = asked.rules.restated(asked, ballot.question, response.plain_value)
    response.value = canonical.text_of(stated)
    if not is_change:
        return ballot.with_vote(response)
    fresh = new_ballot(request, [response])
    check_others_left(request, fresh.question, response)
    _drop_outdated(request, ballot.votes, by=by, now=response.at)
    return fresh


def _drop_outdated(
    request: HumanRequest, votes: Sequence[HumanResponse], *, by: User, now: datetime
) -> None:
    """Mark the votes on earlier values as no longer counting.

    Also release a claim on the request, and plan to notify the voters, who must vote again.
    """
    entries = []
    for one in votes:
        one.undone_at = now
        one.save(update_fields=["undone_at"])
        facts = {"response": one.pk, "of": one.user.get_username()}
        kind = RequestEvent.Kind.OUTDATED
        entries.append(new_event(request, kind, at=now, by=by, facts=facts))
    if request.claimed_by:
        entries.append(end_claim(request, at=now, reason="The values were changed.", by=by))
    insert_rows(entries)
    plan_again(request, [one.user for one in votes], now=now)


def _closing_of(
    question: Question,
    response: HumanResponse,
    votes: Sequence[HumanResponse],
    right: Right,
    answer: Answer,
) -> dict[str, Any]:
    """Return the content with which an answer closes its wait.

    The files in the answer are stored as files of the run.
    """
    outcome, by = response.outcome_of(question), response.user.get_username()
    content = closing(outcome, response.plain_value, responder=by, comment=response.comment)
    content |= as_closing(votes) if question.quorum > 1 else {}
    run = response.request.wait.run
    files = keep_answer_files(run, [*files_in(answer.value)], at=response.at)
    return {**content, **_proof_of(response, right), **files}


def note_change(request: HumanRequest) -> None:
    """Record that a vote has changed an open request, so that open pages show the change."""
    request.version += 1
    request.save(update_fields=["version", "claimed_by", *HISTORY])
    record(request.session_id, "request", request.pk, whom=request.assignees)


def check_answer(question: Question, answer: Answer) -> Any:
    """Return the value of a valid answer; otherwise, raise `AnswerError` or `NotConfirmedError`.

    An answer that sends the request back has no value and needs no confirmation.
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
    """Insert the response, the history's entry for it, and its text for the search.

    `content` is the content with which the response closes the wait; None for a vote that leaves
    the request open. `plan` is the standing decision that the answer creates, if any. `more` holds
    further facts for the history's entry.
    """
    facts: dict[str, Any] = {
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
        facts["standing"] = {"uses": plan.uses, "until": plan.expires_at.isoformat()}
    kind = RequestEvent.Kind.ANSWERED if content else RequestEvent.Kind.VOTED
    if response.asks_back:
        kind = RequestEvent.Kind.ASKED_BACK
    if right.is_bypass:
        kind, facts["reason"] = RequestEvent.Kind.BYPASSED, response.reason
    event = new_event(response.request, kind, at=response.at, by=response.user, facts=facts)
    text = Searchable.of_response(response)
    insert_rows([response, event, *([plan] if plan else []), text])


def _proof_of(response: HumanResponse, right: Right) -> dict[str, Any]:
    """Return the fields that the journal stores about an answer in addition to its value.

    Examples are the right, the channel and the proofs.
    """
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

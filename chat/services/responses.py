"""Answers to requests: one transaction, one outcome."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.changes import as_text, edits_between
from chat.channels.answers import Answer
from chat.models import HumanRequest, HumanResponse
from chat.models.request import Right
from chat.services.uploads import with_uploads
from procedures.conf import conf
from procedures.engine.errors import AnswerError, EngineError, Fault
from procedures.engine.journal.events import closing
from procedures.engine.journal.seals import PROOF, seals_of
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.engine.values.attachments import files_in
from procedures.engine.values.sizes import Sizes
from procedures.models import Run
from procedures.models.proofs import facts_of, ledger_key
from procedures.services import expire_wait, keep_answer_files, resolve_locked
from procedures.store.rows import insert_row
from procedures.users import User, json_key


class AlreadyAnsweredError(EngineError):
    """The request is closed; the first outcome counts."""

    def __init__(self, request: HumanRequest) -> None:
        self.request = request
        sentences = {
            HumanRequest.Status.ANSWERED: "{by} has already answered this ({outcome}).",
            HumanRequest.Status.EXPIRED: "The deadline of this request has passed ({outcome}).",
            HumanRequest.Status.WITHDRAWN: "This request was withdrawn. {why}",
        }
        sentence = sentences[HumanRequest.Status(request.status)].format(
            by=request.closed_by, outcome=request.outcome, why=request.closed_why
        )
        super().__init__(sentence.strip())


class NotAskedError(EngineError):
    """The user may see the request but was not asked."""

    def __init__(self, request: HumanRequest) -> None:
        asked = " or ".join(str(assignment) for assignment in request.assignments.all())
        words = "This request isn't assigned to you."
        super().__init__(
            f"{words} {asked} can answer it." if asked else f"{words} Administrators can answer it."
        )


class NotConfirmedError(AnswerError):
    """An irreversible answer was not confirmed; nothing was stored."""

    def __init__(self, value: Any) -> None:
        self.value = value
        fault = Fault("confirm", "must be true, because this answer can't be undone.")
        super().__init__("This answer can't be undone. Confirm it.", [fault])


def respond(request_id: UUID, answer: Answer, *, by: User) -> tuple[HumanResponse, bool]:
    """Record a person's answer and let the run continue. The first answer counts.

    Returns the response and True, or the earlier response and False if the same person repeats the
    same answer. Locks the run, then the request, then the session; the run is queued in the same
    commit. Raises `NotAskedError`, `AlreadyAnsweredError`, `AnswerError` if the value doesn't fit,
    and `NotConfirmedError` if an irreversible request is answered without confirmation.
    """
    with transaction.atomic():
        run = HumanRequest.objects.lock_run_of(request_id)
        request, now = HumanRequest.objects.lock(request_id)
        # Before everything that could refuse it: a repeated answer gets its first response, also
        # after the person was asked no more.
        if earlier := _same_answer(request, answer, by):
            return earlier, False
        if not (request.is_open and request.wait.is_due(now)):
            return _record(run, request, answer, by, now), True
    # After the transaction above: inside it the expiry would be rolled back by the refusal that
    # follows.
    expire_wait(request.wait)
    return respond(request_id, answer, by=by)  # it is closed by now


def _record(
    run: Run, request: HumanRequest, answer: Answer, by: User, now: datetime
) -> HumanResponse:
    """Store the answer; the run and the request must be locked."""
    # Now, under the locks: what somebody was allowed when the page was drawn doesn't count.
    right = request.right_of(by)
    if right is None:
        raise NotAskedError(request)
    if not request.is_open:
        raise AlreadyAnsweredError(request)
    question = request.asked
    answer = replace(answer, value=with_uploads(request, question, answer.value, by=by))
    value = question.check(answer.value)
    Sizes(**conf.SIZES).check_answer(question, value)
    if question.irreversible and not answer.is_confirmed:
        raise NotConfirmedError(value)
    response = HumanResponse(
        request=request,
        user=by,
        value=canonical.text_of(value),
        comment=_clean(answer.comment),
        at=now,
        channel=answer.channel,
        address=answer.address,
        shown=request.question,
        evidence_digest=question.evidence_digest,
        changes=_changes(question, value),
    )
    insert_row(response)
    outcome = question.outcome_of(value)
    said = closing(outcome, value, responder=by.get_username(), comment=response.comment)
    files = keep_answer_files(run, [*files_in(answer.value)], at=now)
    # Last, since it tells the layers above, which number the session: its lock is held the
    # shortest.
    resolve_locked(run, request.wait, {**said, **_proof_of(response, right), **files}, at=now)
    return response


def _proof_of(response: HumanResponse, right: Right) -> dict[str, Any]:
    """Return the facts about an answer that the journal stores with its value."""
    owner = str(response.request_id)
    return {
        "responder_id": json_key(response.user_id),
        "right": right.words,
        "right_id": right.group,
        "channel": response.channel,
        "evidence_digest": response.evidence_digest,
        PROOF: seals_of(facts_of(response), owner=owner, key=ledger_key()),
    }


def _changes(question: Question, value: Any) -> str:
    if question.outcome_of(value) != Outcome.EDITED or "text" not in value:
        return ""
    return as_text(edits_between(question.draft or "", value["text"]))


def _same_answer(request: HumanRequest, answer: Answer, by: User) -> HumanResponse | None:
    """Return the user's earlier response if this answer repeats it; an open request has none."""
    earlier = None if request.is_open else request.responses.filter(user=by).first()
    if earlier is None:
        return None
    question = request.asked
    value = with_uploads(request, question, answer.value, by=by)
    is_same = earlier.value == _text(question, value) and earlier.comment == answer.comment
    return earlier if is_same else None


def _text(question: Question, value: Any) -> str:
    """Return the text of an answer as it would be stored, or "" if it is invalid."""
    try:
        return canonical.text_of(question.check(question.completed(value)))
    except (AnswerError, ValueError):
        return ""


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

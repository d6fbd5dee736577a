"""Standing decisions: how they are created by an answer, revoked and verified."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Q

from chat.channels.answers import Answer, StandingLimits
from chat.models import HumanRequest, HumanResponse, StandingDecision
from chat.models.rights import Right
from chat.models.standing import StandingDecisionQuerySet
from procedures.access import procedures_for
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.standing import (
    LONGEST_DAYS,
    MOST_USES,
    NOT_OFFERED,
    is_offered,
    likeness,
    limits_of,
    step_of,
)
from procedures.engine.values import canonical
from procedures.models.clock import clock
from procedures.models.proofs import seal
from procedures.services.differences import Difference, row_name, run_proof_differences
from procedures.services.record import Record
from procedures.transactions import service_atomic
from procedures.users import User

OPERATE_REQUEST = "countersign_chat.operate_request"
"""The permission to withdraw, reassign and release every visible request."""
LONGEST = timedelta(days=LONGEST_DAYS)
CHANGED = "You changed a value, so the answer can't count for later requests."
NOT_THEIRS = (
    "Only people who are asked themselves can decide about later requests;"
    " deputies and tokens can't."
)


def new_standing(
    request: HumanRequest,
    question: Question,
    response: HumanResponse,
    answer: Answer,
    right: Right,
) -> StandingDecision | None:
    """Return the unsaved standing decision that an answer asks to create, or None.

    Raises `AnswerError` if the answer asks for a standing decision but may not create one.
    """
    if answer.also is None:
        return None
    _check(question, answer, answer.also, right, now=response.at)
    decision = StandingDecision(
        giver=response.user,
        given_with=request,
        version=request.wait.run.version,
        step=step_of(request.wait.key),
        likeness=likeness(question),
        limits=canonical.text_of(limits_of(question)),
        value=response.value,
        comment=response.comment,
        uses=answer.also.uses,
        uses_left=answer.also.uses,
        begins_at=response.effective_at or response.at,
        expires_at=answer.also.until,
    )
    seal(decision)
    return decision


def _check(
    question: Question, answer: Answer, also: StandingLimits, right: Right, *, now: datetime
) -> None:
    if answer.asks_back or not is_offered(question):
        raise AnswerError(NOT_OFFERED)
    if question.outcome_of(question.check(answer.value)) == Outcome.EDITED:
        raise AnswerError(CHANGED)
    if answer.program or right.of is not None or right.is_bypass:
        raise AnswerError(NOT_THEIRS)
    if not 1 <= also.uses <= MOST_USES:
        raise AnswerError(f"An answer can decide 1 to {MOST_USES} later requests.")
    if not now < also.until <= now + LONGEST:
        raise AnswerError(f"An answer can decide later requests for at most {LONGEST_DAYS} days.")


def revocable_by(user: User) -> StandingDecisionQuerySet:
    """Return the decisions that the user may revoke, as their giver or as an operator."""
    found = StandingDecision.objects.select_related("giver", "given_with", "version__procedure")
    if user.is_superuser or user.has_perm(OPERATE_REQUEST):
        return found
    operated = procedures_for(user, "operate").order_by().values("pk")
    return found.filter(Q(giver=user) | Q(version__procedure__in=operated))


@service_atomic
def revoke_standing(decision_id: int, *, by: User) -> StandingDecision:
    """Revoke and return a standing decision; revoking it twice is harmless.

    Only the person who gave the decision, and operators, can revoke it. Raises
    `StandingDecision.DoesNotExist` if there is no decision with this id that `by` may revoke.
    """
    decision = revocable_by(by).select_for_update(of=("self",)).get(pk=decision_id)
    if decision.revoked_at is None:
        decision.revoke(by=by, at=clock.now())
    return decision


def revoke_with(response: HumanResponse, *, at: datetime) -> None:
    """Revoke the standing decisions that an answer created; call this when the answer is undone."""
    given = StandingDecision.objects.filter(giver=response.user_id, revoked_at=None)
    given.filter(given_with=response.request_id).update(revoked_at=at, revoked_by=response.user_id)


def standing_differences(record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield the faults of the standing decisions that concern a run.

    They were created by answers to the run's requests, or have answered requests of the run.
    """
    given = Q(given_with__wait__run=record.run)
    used = Q(responses__request__wait__run=record.run)
    keys = StandingDecision.objects.filter(given | used).values("pk").order_by()
    # One statement reads both, because a run that uses a decision changes the decision's row and
    # inserts a response in one commit.
    found = StandingDecision.objects.filter(pk__in=keys).annotate(answers=Count("responses"))
    decisions = list(found.order_by("pk"))
    yield from run_proof_differences(decisions, record, older)
    by_key = {decision.pk: decision for decision in decisions}
    for pk, uses, left, answers in found.values_list("pk", "uses", "uses_left", "answers"):
        if left != uses - answers and pk in by_key:
            yield Difference(row_name(by_key[pk]), "uses_left")
    own = HumanResponse.objects.filter(standing__in=decisions, request__wait__run=record.run)
    for response in own.select_related("standing"):
        standing = response.standing
        assert standing
        if (response.user_id, response.value) != (standing.giver_id, standing.value):
            yield Difference(row_name(response), "standing", "it names another decision")

"""New requests that a standing decision answers, in the transaction in which a run asks them."""

from collections.abc import Sequence
from datetime import datetime

from chat.channels.answers import Answer
from chat.models import HumanRequest, HumanResponse, StandingDecision
from chat.models.rights import Right
from chat.services.recording import record_answer
from chat.services.standing import step_of
from procedures.engine.kinds.standing import is_within, likeness
from procedures.models import Run, Wait
from procedures.models.proofs import unproven

STANDING = "standing"
"""The channel of answers by standing decisions, by which nobody can answer otherwise."""


def answer_foreknown(run: Run, waits: Sequence[Wait], at: datetime) -> list[HumanResponse]:
    """Answer the new requests of a locked run that somebody has decided in advance."""
    requests = [(wait, HumanRequest.objects.get(wait=wait)) for wait in waits]
    decisions = _locked(run, [request for _, request in requests], at)
    found: list[HumanResponse | None] = []
    for wait, request in requests if decisions else ():
        # As it is now: the answer to another of these may have made it unneeded.
        wait.refresh_from_db()
        # Its wait knows this very request then, whose history the closing continues.
        wait.run, request.wait = run, wait
        found += [_answered(request, decisions, at)] if wait.is_undecided else []
    return [one for one in found if one]


def _locked(run: Run, requests: Sequence[HumanRequest], at: datetime) -> list[StandingDecision]:
    """Lock and return the decisions that may answer these requests."""
    alike = [likeness(request.asked) for request in requests]
    usable = StandingDecision.objects.usable(at).filter(version=run.version_id, likeness__in=alike)
    # All at once and in one order: two runs that ask several questions each would otherwise wait
    # for each other.
    ordered = usable.order_by("pk").select_related("giver").select_for_update(of=("self",))
    return list(ordered)


def _answered(
    request: HumanRequest, decisions: Sequence[StandingDecision], at: datetime
) -> HumanResponse | None:
    for decision in decisions:
        if not _covers(decision, request, at):
            continue
        # Now, as for an answer: the giver may have lost the right, or have caused this request.
        right = request.right_of(decision.giver, now=at)
        if right is None or right.is_bypass or right.of is not None:
            continue
        if StandingDecision.objects.take(decision.pk):
            decision.uses_left -= 1
            return _use(request, decision, right, at)
    return None


def _covers(decision: StandingDecision, request: HumanRequest, at: datetime) -> bool:
    question = request.asked
    is_alike = decision.likeness == likeness(question) and decision.step == step_of(request)
    is_usable = is_alike and decision.is_usable(at)
    # A row that was changed by hand says what nobody has decided.
    return is_usable and not unproven(decision) and is_within(question, decision.plain_limits)


def _use(
    request: HumanRequest, decision: StandingDecision, right: Right, at: datetime
) -> HumanResponse:
    answer = Answer(decision.plain_value, decision.comment, channel=STANDING)
    giver = decision.giver
    return record_answer(request, answer, right, by=giver, now=at, standing=decision)

"""Answers of standing decisions, given in the transaction that creates the answered requests."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from chat.channels.answers import Answer
from chat.models import HumanRequest, HumanResponse, StandingDecision
from chat.models.rights import Right
from chat.models.standing import StandingDecisionQuerySet
from chat.services.recording import check_answer, record_answer
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.standing import is_within, likeness, step_of
from procedures.models import Run, Wait
from procedures.models.proofs import unproven

STANDING = "standing"
"""The channel's name in answers of standing decisions; people can't use this channel."""


def answer_by_standing_decisions(
    run: Run, waits: Sequence[Wait], at: datetime
) -> list[HumanResponse]:
    """Answer those new requests of a locked run that a standing decision covers.

    Returns the answers.
    """
    steps = {step_of(wait.key) for wait in waits}
    usable = StandingDecision.objects.usable(at).filter(version=run.version_id, step__in=steps)
    # This is read first, because mostly there is no decision. Then the requests needn't be read.
    known = set(usable.values_list("likeness", flat=True))
    requests = _alike(waits, known) if known else []
    decisions = _locked(usable, requests) if requests else []
    found: list[HumanResponse | None] = []
    for wait, request in requests if decisions else ():
        # The wait is read again, because the answer to another one of these may have made it
        # unneeded.
        wait.refresh_from_db()
        # The wait then refers to this very request object, whose history is continued when it is
        # closed.
        wait.run, request.wait = run, wait
        found += [_answered(request, decisions, at)] if wait.is_undecided else []
    return [one for one in found if one]


def _alike(waits: Sequence[Wait], known: set[str]) -> list[tuple[Wait, HumanRequest]]:
    """Return the waits whose question is like one that a standing decision answers.

    `known` are the likenesses (digests that are equal for similar questions) of the decisions. Each
    wait is returned with its request.
    """
    requests = {one.wait_id: one for one in HumanRequest.objects.filter(wait__in=waits)}
    return [
        (wait, requests[wait.pk])
        for wait in waits
        if wait.pk in requests and likeness(requests[wait.pk].asked) in known
    ]


def _locked(
    usable: StandingDecisionQuerySet, requests: Iterable[tuple[Wait, HumanRequest]]
) -> list[StandingDecision]:
    """Lock and return the `usable` decisions whose question is like that of one of the requests."""
    alike = {likeness(request.asked) for _, request in requests}
    # All decisions are locked at once and in one order. Otherwise, two runs that each ask several
    # questions could deadlock.
    ordered = usable.filter(likeness__in=alike).order_by("pk").select_related("giver")
    return list(ordered.select_for_update(of=("self",)))


def _answered(
    request: HumanRequest, decisions: Sequence[StandingDecision], at: datetime
) -> HumanResponse | None:
    for decision in decisions:
        if not _covers(decision, request, at):
            continue
        # The right is checked now, as for any answer, because the giver may have lost it or may
        # have caused this request. This isn't an answer in a browser, so it can't answer a request
        # that a program asked with the giver's token.
        right = request.right_of(decision.giver, now=at, is_in_browser=False)
        if right is None or right.is_bypass or right.of is not None:
            continue
        if StandingDecision.objects.take(decision.pk):
            decision.uses_left -= 1
            return _use(request, decision, right, at)
    return None


def _covers(decision: StandingDecision, request: HumanRequest, at: datetime) -> bool:
    question = request.asked
    is_alike = decision.likeness == likeness(question) and decision.step == step_of(
        request.wait.key
    )
    if not is_alike or not decision.is_usable(at):
        return False
    # A row that somebody edited in the database holds a decision that nobody has made.
    if unproven(decision) or not is_within(question, decision.plain_limits):
        return False
    try:
        check_answer(question, _answer_of(decision))
    except AnswerError:
        # The site's limits may have become lower. Then the request stays open, and its run must not
        # fail.
        return False
    return True


def _answer_of(decision: StandingDecision) -> Answer:
    return Answer(decision.plain_value, decision.comment, channel=STANDING)


def _use(
    request: HumanRequest, decision: StandingDecision, right: Right, at: datetime
) -> HumanResponse:
    answer, giver = _answer_of(decision), decision.giver
    return record_answer(request, answer, right, by=giver, now=at, standing=decision)

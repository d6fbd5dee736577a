"""Votes on requests that several people must agree on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chat.assignments import people_of
from chat.models import Assignment, HumanRequest, HumanResponse
from chat.models.request import proposal_after
from chat.models.rights import causers, token_owners
from procedures.conf import conf
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.votes import VOTES, Vote, has_decision
from procedures.models import Run
from procedures.users import json_key


@dataclass(frozen=True)
class Ballot:
    """The votes on a request that count, and the question that these votes answer."""

    question: Question
    """The question with the values that are proposed now, which a vote may have changed."""
    votes: Sequence[HumanResponse] = ()
    """The votes, in the order in which they were given."""
    change: HumanResponse | None = None
    """The vote that has changed the proposed values; None if no vote has."""

    @property
    def proposal(self) -> str:
        return proposal_after(self.change)

    @property
    def changed_by(self) -> str:
        return self.change.user.get_username() if self.change else ""

    def with_vote(self, vote: HumanResponse) -> "Ballot":
        return replace(self, votes=[*self.votes, vote])


def ballot_on(request: HumanRequest) -> Ballot:
    """Return the ballot on an open request."""
    if not request.may_take_votes:
        return Ballot(request.asked)
    counted = request.responses.filter(undone_at=None).select_related("user").order_by("pk")
    return new_ballot(request, list(counted))


def new_ballot(request: HumanRequest, votes: Sequence[HumanResponse]) -> Ballot:
    """Return a ballot of these votes, with the values that the votes propose."""
    change = request.change_among(votes)
    return Ballot(request.offered_after(change), votes, change)


def earlier_vote(response: HumanResponse, votes: Sequence[HumanResponse]) -> HumanResponse | None:
    """Return the vote among `votes` that was given by the same person or for the same person.

    A deputy's vote is given for the person whom the deputy represents. Return None if there is no
    earlier vote.
    """
    for one in votes:
        if one.user_id == response.user_id or _person(one) == _person(response):
            return one
    return None


def is_decided(request: HumanRequest, question: Question, votes: Sequence[HumanResponse]) -> bool:
    """Return True if the votes decide the request; the last one is the new vote.

    `question` is the question with the values that are proposed now. One vote that sends the
    request back is enough, because the others would vote on something that will change.
    """
    if question.quorum == 1 or votes[-1].asks_back:
        return True
    cast = [one.plain_value for one in votes]
    return has_decision(question, cast, left=_count_left(request, question, votes))


def is_stuck(request: HumanRequest, question: Question, votes: Sequence[HumanResponse]) -> bool:
    """Return True if people have voted, and too few are left to decide the open request.

    A single vote can still reject what too few people could approve.
    """
    if question.quorum == 1 or not votes:
        return False
    counts = Counter(question.decision_of(one.plain_value) for one in votes)
    left = _count_left(request, question, votes)
    can_reject = question.rules.approves and left > 0
    return not can_reject and max(counts.values()) + left < question.quorum


def check_others_left(request: HumanRequest, question: Question, vote: HumanResponse) -> None:
    """Raise `AnswerError` if too few other people can still approve the values that `vote` changes.

    `question` is the question with the changed values.
    """
    if _count_left(request, question, [vote]) < question.quorum - 1:
        words = f"{question.quorum} people must approve the changed values, and too few are left."
        raise AnswerError(f"{words} Reject the request, and say what to change.")


def _count_left(request: HumanRequest, question: Question, votes: Sequence[HumanResponse]) -> int:
    """Return the number of people who may still vote on the question after these votes."""
    voters = voters_among(request.assignments.all(), run=request.wait.run, question=question)
    return len(voters - {_person(one) for one in votes})


def shortage(assignments: Iterable[Assignment], *, run: Run, question: Question) -> str:
    """Return a sentence if fewer people are asked than the question's quorum needs, else ""."""
    if question.quorum == 1:
        return ""
    count = len(voters_among(assignments, run=run, question=question))
    if count >= question.quorum:
        return ""
    return f"{question.quorum} people must agree, but only {count} can answer."


def _person(vote: HumanResponse) -> Any:
    """Return the key of the person that a vote counts for.

    If a deputy has voted, it is the person whom the deputy represents.
    """
    return vote.for_user_id or vote.user_id


def voters_among(assignments: Iterable[Assignment], *, run: Run, question: Question) -> set[Any]:
    """Return the keys of the active assignees who may vote on the question."""
    asked = set(people_of(assignments).values_list("pk", flat=True))
    if not conf.ASKERS_MAY_ANSWER:
        asked -= token_owners(run)
    if not question.four_eyes:
        return asked
    caused = causers(run)
    return {pk for pk in asked if json_key(pk) not in caused}


def as_closing(votes: Sequence[HumanResponse]) -> dict[str, Any]:
    """Return the votes as a field of the content that closes the wait.

    The vote that decided the request comes last. A vote that sent the request back is left out.
    """
    cast = [one for one in votes if not one.asks_back]
    listed = [Vote(one.user.get_username(), one.plain_value, one.comment, one.at) for one in cast]
    return {VOTES: [one.as_json() for one in listed]}

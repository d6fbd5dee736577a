"""Votes on a question with `quorum`, and the rule that says when the votes make a decision."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

VOTES = "votes"
"""The key, in the content of a `wait.closed` event, under which the votes are stored."""


@dataclass(frozen=True)
class Vote:
    """One person's vote on a question with `quorum`."""

    responder: str
    """The name of the user who voted."""
    value: Any
    comment: str
    at: datetime

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        return cls(**{**plain, "at": datetime.fromisoformat(plain["at"])})

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "at": self.at.isoformat()}


def votes_in(closed: Mapping[str, Any]) -> tuple[Vote, ...]:
    """Return the votes in a `wait.closed` event's content; none without a quorum."""
    return tuple(map(Vote.from_json, closed.get(VOTES, ())))


def has_decision(question: "Question", values: Iterable[Any], *, left: int) -> bool:
    """Return True if the newest vote, which is the last in `values`, decides the question.

    The newest vote decides if `quorum` people have voted for the same decision. If the question
    asks for an approval, a newest vote against it also decides if the question has `veto`, or if
    too few people can still approve. `left` is the number of people who can still vote.
    """
    cast = [question.decision_of(value) for value in values]
    if not cast:
        return False
    counts = Counter(cast)
    if counts[cast[-1]] >= question.quorum:
        return True
    return _is_rejected(question, cast, counts, left)


def _is_rejected(
    question: "Question", cast: Sequence[str], counts: Mapping[str, int], left: int
) -> bool:
    if not question.rules.approves:
        return False
    approving = next(iter(question.decisions))
    is_last = cast[-1] != approving
    return is_last and (question.veto or counts.get(approving, 0) + left < question.quorum)

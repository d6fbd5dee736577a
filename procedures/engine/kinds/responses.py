"""Responses: the results of questions, as procedures get them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.votes import Vote

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

T = TypeVar("T")


@dataclass(frozen=True)
class Response(Generic[T]):
    """A person's answer, or the result if nobody answered.

    It is true if somebody approved or answered, or if the default took effect and is neither None,
    False nor "". It is false for a rejection, a no, or a question that closed without an answer. A
    review is true if its decision approves. If somebody asked back, the response is false.
    """

    value: T
    outcome: Outcome
    responder: str
    """The user's name, or "system: deadline"."""
    comment: str
    at: datetime
    timed_out: bool
    question: "Question | None" = field(default=None, repr=False, compare=False)
    """The question that was asked."""
    key: str = field(default="", repr=False, compare=False)
    """The key of the wait that the response closed."""
    decision: str = ""
    """The decision about a review: a name in `decisions=`, or else "approved" or "rejected"."""
    votes: tuple[Vote, ...] = ()
    """The votes of a question with `quorum=`, in order, the deciding one last.

    An action with `four_eyes=True` has votes, too, if somebody has changed its values.
    """

    @property
    def is_asked_back(self) -> bool:
        """True if somebody asked back instead of answering; `comment` is what they wrote."""
        return self.outcome == Outcome.CHANGES_REQUESTED

    def __bool__(self) -> bool:
        if self.decision and self.question:
            return self.question.is_approved_by(self.decision)
        if self.outcome == Outcome.DEFAULTED:
            return self.value is not None and self.value is not False and self.value != ""
        if self.outcome == Outcome.ANSWERED:
            return self.value is not False
        return self.outcome in {Outcome.APPROVED, Outcome.EDITED}


class AskedBack(NamedTuple):
    """An earlier question about which somebody asked back; a later question follows it."""

    prompt: str
    """The prompt of the earlier question."""
    by: str
    """The name of the user who asked back."""
    text: str
    at: str
    """The time at which that user asked back, in ISO 8601."""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


MOST_EARLIER = 20
"""The largest number of earlier questions that a question shows."""


def earlier_questions(prompt: str, follows: object) -> tuple[AskedBack, ...]:
    """Return the questions that `follows=` names: the earlier question, and those that it followed.

    Raises `QuestionError` unless `follows` is None, or the response to a question about which
    somebody asked back.
    """
    if follows is None:
        return ()
    question = follows.question if isinstance(follows, Response) else None
    if not isinstance(follows, Response) or question is None or not follows.is_asked_back:
        words = "takes the response to a question about which somebody asked back, or None"
        raise QuestionError(f"{prompt!r}: follows= {words}.")
    last = AskedBack(question.prompt, follows.responder, follows.comment, follows.at.isoformat())
    return (*question.follows, last)[-MOST_EARLIER:]

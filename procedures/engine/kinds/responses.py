"""Responses: the results of questions, which the procedure's code gets."""

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
    """A person's answer to a question, or the result of a question that nobody answered.

    As a condition, as in `if response:`, a response is true in three cases: somebody approved the
    request; somebody answered with a value that isn't False; the default counted as the answer, and
    is neither None, False nor "".

    The response is false if somebody rejected the request or sent it back, or if the question
    closed without an answer.
    """

    value: T
    outcome: Outcome
    responder: str
    """The name of the user who answered, or "system: deadline" if nobody answered in time."""
    comment: str
    at: datetime
    timed_out: bool
    question: "Question | None" = field(default=None, repr=False, compare=False)
    """The question to which this is the response."""
    key: str = field(default="", repr=False, compare=False)
    """The key of the wait in which the run waited for this response."""
    decision: str = ""
    """The name of the decision about a review or an action, such as "approved"; else ""."""
    votes: tuple[Vote, ...] = ()
    """The votes on a question with `quorum`, in order; the last vote made the decision.

    An action with `four_eyes=True` has votes, too, if somebody has changed its values.
    """

    @property
    def is_asked_back(self) -> bool:
        """True if somebody sent the question back; `comment` is what that person wrote."""
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
    """A question that somebody sent back instead of answering; a later question shows it."""

    prompt: str
    """The prompt of the question."""
    by: str
    """The name of the user who sent the question back."""
    text: str
    at: str
    """The time at which that user sent the question back, in ISO 8601."""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


MOST_EARLIER = 20
"""The largest number of earlier questions that are shown with a question."""


def earlier_questions(prompt: str, follows: object) -> tuple[AskedBack, ...]:
    """Return the questions that preceded a question with the option `follows`, oldest first.

    The last of them is the question of the response `follows`; the others preceded that question.
    Raises `QuestionError` unless `follows` is None or responds to a question that was sent back.
    """
    if follows is None:
        return ()
    question = follows.question if isinstance(follows, Response) else None
    if not isinstance(follows, Response) or question is None or not follows.is_asked_back:
        words = "takes the response to a question that somebody sent back, or None"
        raise QuestionError(f"{prompt!r}: follows= {words}.")
    last = AskedBack(question.prompt, follows.responder, follows.comment, follows.at.isoformat())
    return (*question.follows, last)[-MOST_EARLIER:]

"""The times at which people are reminded of a request, or more people are asked."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from chat.models.request import HumanRequest
from procedures.engine.kinds.questions import Question


class Act(StrEnum):
    """The action that is due if nobody has answered: to remind people, or to ask more people."""

    REMIND = "remind"
    ESCALATE = "escalate"


class Moment(NamedTuple):
    """A time at which people are reminded, or more people asked, if nobody has answered."""

    at: datetime
    act: Act
    number: int
    """The number of the reminder among the reminders, or of the escalation among the escalations.

    Both count from 1.
    """


def plan_moments(request: HumanRequest, question: Question) -> None:
    """Set the times of an unsaved request.

    They are the time at which the request is due, the time at which an answer is needed (which may
    be the wait's deadline instead), and the time of the first reminder or escalation.
    """
    if question.due is not None:
        request.due_at = request.opened_at + timedelta(seconds=question.due)
    request.next_at = next_moment(request, question, after=request.opened_at)
    ends = [one for one in (request.due_at, request.wait.due_at) if one is not None]
    request.needed_at = min(ends, default=None)


def next_moment(request: HumanRequest, question: Question, *, after: datetime) -> datetime | None:
    """Return the time of the first reminder or escalation later than `after`, or None."""
    coming = (one.at for one in _moments(request, question, after) if one.at > after)
    return min(coming, default=None)


def missed_moments(request: HumanRequest, question: Question, *, now: datetime) -> list[Moment]:
    """Return the reminders and escalations that are due and haven't happened yet, in order of time.

    If several reminders are due, only the last one of them is returned.
    """
    due = [one for one in _moments(request, question, now) if one.at <= now]
    reminders = [one for one in due if one.act == Act.REMIND and one.number > request.reminded]
    others = [one for one in due if one.act == Act.ESCALATE and one.number > request.escalated]
    return sorted([*others, *reminders[-1:]])


def _moments(request: HumanRequest, question: Question, now: datetime) -> Iterator[Moment]:
    """Yield all reminders and escalations of a request, past and future.

    Of a reminder that is repeated at an interval, yield only the last one before `now` and the next
    one.
    """
    for number, (after, _) in enumerate(question.escalate, start=1):
        yield Moment(_later(request, after), Act.ESCALATE, number)
    for number, after in enumerate(question.remind, start=1):
        yield Moment(_later(request, after), Act.REMIND, number)
    if every := question.remind_every:
        passed = max(0, int((now - request.opened_at).total_seconds() // every))
        for number in (passed, passed + 1):
            if number:
                yield Moment(_later(request, every * number), Act.REMIND, number)


def _later(request: HumanRequest, seconds: float) -> datetime:
    return request.opened_at + timedelta(seconds=seconds)

"""Questions to operators about steps whose outcome or result is unknown."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from procedures.engine.errors import StepFailedError
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.payloads import Attempt, StepFailure, StepResult
from procedures.engine.kinds.question_options import OPERATORS
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.history import Entry, checked_key, is_without_result
from procedures.engine.values import canonical
from procedures.engine.waits.handles import ask

HAPPENED, REPEAT, FAIL = "happened", "repeat", "fail"
NO_RESULT, DOUBTFUL = "ResultNotKept", "Doubtful"


def settle_doubt(
    fiber: Fiber, entry: Entry, returns: Any, *, again: Callable[[], Any] | None = None
) -> Any:
    """Ask the procedure's operators whether the step took effect, and follow their answer.

    Operators are asked about each start of the step that has no recorded end, and about each result
    that couldn't be stored. The same question is asked only once. If the operators let the step
    fail and somebody then retries the run, the operators are asked a new question.

    If the operators say that the step didn't take effect, the function `again` runs the step. A
    step that took effect never runs again.
    """
    try:
        return _as_they_say(fiber, entry, returns, again)
    except _DoubtfulError as error:
        # Check for a cancel before failing, or the run would fail although people have cancelled
        # it.
        fiber.check_wanted(entry.key)
        kind = NO_RESULT if entry.lacks_result else DOUBTFUL
        first = Attempt.read(entry.events[0].content)
        attempt = replace(first, approved_by="")
        failed = StepFailure(attempt=attempt, type=kind, message=str(error), doubtful=True)
        fiber.commit(NewEvent(EventKind.STEP_FAILED, entry.key, entry.key, failed.as_json()))
        raise StepFailedError(entry.key, kind, str(error)) from None


class _DoubtfulError(Exception):
    """The operators have let the step fail, or have entered a result that isn't valid."""


def _as_they_say(fiber: Fiber, entry: Entry, returns: Any, again: Callable[[], Any] | None) -> Any:
    scope, name = fiber.scope.inner(entry.key), entry.key.rpartition("/")[2]
    number = f"#{entry.doubts}" if entry.doubts > 1 else ""
    is_done = entry.lacks_result
    question = _about_result(entry, name) if is_done else _whether(name)
    answer = ask(fiber, checked_key(f"{scope.path}doubt{number}"), question).wait()
    if answer.value == REPEAT and again:
        return again()
    if answer.value == HAPPENED:
        return _result(fiber, checked_key(f"{scope.path}result{number}"), name, returns)
    if is_done:
        raise _DoubtfulError(
            f"{answer.responder} let the step fail, although it is done. {_why(entry)}"
        )
    raise _DoubtfulError(
        f"{answer.responder} let the step fail, although it may have taken effect."
    )


def _whether(name: str) -> Question:
    options = {
        REPEAT: "It didn't: run the step again",
        HAPPENED: "It did: continue with its result",
        FAIL: "Let the step fail",
    }
    return new_question(
        "choice",
        f"Did the step {name} take effect?",
        options,
        body="A worker stopped in the middle of this step, which must run at most once.",
        assign=OPERATORS,
    )


def _about_result(entry: Entry, name: str) -> Question:
    """Return the question about a result that couldn't be stored.

    The question is made only from events in the journal, so it is the same after a change of the
    code.
    """
    options = {
        HAPPENED: "Continue with a result that I enter",
        FAIL: "Let the step fail, although it is done",
    }
    return new_question(
        "choice",
        f"The step {name} is done, but its result couldn't be stored. How should the run continue?",
        options,
        body="The step won't run again. If you let it fail and the run then fails too, the work of "
        "earlier steps is undone where the procedure says how; the work of this step itself may "
        "have to be undone by hand.",
        evidence={"why": _why(entry), "returned": _result_of(entry).returned},
        assign=OPERATORS,
    )


def _why(entry: Entry) -> str:
    return _result_of(entry).not_kept


def _result_of(entry: Entry) -> StepResult:
    last = next(one for one in reversed(entry.events) if is_without_result(one))
    return StepResult.read(last.content)


def _result(fiber: Fiber, key: str, name: str, returns: Any) -> Any:
    question = new_question(
        "input",
        f"What was the result of the step {name}?",
        str,
        body="Enter JSON, or null if there was no result.",
        assign=OPERATORS,
    )
    answer = ask(fiber, key, question).wait()
    try:
        return canonical.load(json.loads(answer.value), returns)
    except (TypeError, ValueError, ValidationError) as error:
        raise _DoubtfulError(f"The result that was entered isn't valid: {error}") from None

"""A step that was to happen once and of which nobody knows whether it has: people say."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from procedures.engine import canonical, questions
from procedures.engine.errors import StepFailedError
from procedures.engine.handles import ask
from procedures.engine.history import Entry, checked_key
from procedures.engine.journal import Draft, EventKind
from procedures.engine.line import Line
from procedures.engine.questions import OPERATORS

HAPPENED, REPEAT, FAIL = "happened", "repeat", "fail"


def settle_doubt(line: Line, entry: Entry, returns: Any, *, again: Callable[[], Any]) -> Any:
    """Ask the procedure's operators what became of the step, and go on as they say.

    Each start of the step that has no end is a doubt of its own, and so is each retry of a step
    that was let fail; the earlier ones are settled.
    """
    try:
        return _as_they_say(line, entry, returns, again)
    except _DoubtfulError as error:
        line.check_wanted(entry.key)
        words = {"type": "Doubtful", "message": str(error), "doubtful": True}
        content = {**entry.events[0].content, **words, "final": True, "retry_at": None}
        line.commit(Draft(EventKind.STEP_FAILED, entry.key, entry.key, content))
        raise StepFailedError(entry.key, "Doubtful", str(error)) from None


class _DoubtfulError(Exception):
    """The step is to fail: a retry asks anew."""


def _as_they_say(line: Line, entry: Entry, returns: Any, again: Callable[[], Any]) -> Any:
    scope, name = line.scope.inner(entry.key), entry.key.rpartition("/")[2]
    number = f"#{entry.doubts}" if entry.doubts > 1 else ""
    options = {
        REPEAT: "It has not happened: do it",
        HAPPENED: "It has happened: go on with its result",
        FAIL: "Let the step fail",
    }
    question = questions.choice(
        f"Has {name} happened?",
        options,
        body="A worker ended in the middle of this step, which must happen only once.",
        assign=OPERATORS,
    )
    said = ask(line, checked_key(f"{scope.path}doubt{number}"), question).wait()
    if said.value == REPEAT:
        return again()
    if said.value == HAPPENED:
        return _result(line, checked_key(f"{scope.path}result{number}"), name, returns)
    raise _DoubtfulError(f"{said.responder} let it fail: it may have happened.")


def _result(line: Line, key: str, name: str, returns: Any) -> Any:
    question = questions.text_input(
        f"What was the result of {name}?", str, body="As JSON; null for none.", assign=OPERATORS
    )
    said = ask(line, key, question).wait()
    try:
        return canonical.load(json.loads(said.value), returns)
    except (TypeError, ValueError, ValidationError) as error:
        raise _DoubtfulError(f"What was given is no result: {error}") from None

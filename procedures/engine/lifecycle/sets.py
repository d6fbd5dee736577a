"""The events that close a set of waits, and the waits that a decided set no longer needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from procedures.engine.journal.events import closing
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question

DETACHED_KINDS = ("child", "map")
"""The kinds of waits that wait for child runs.

If a set is decided by its other waits, these waits stay open, and the child runs continue.
"""
KEEP_OPEN = "keep_open"
"""The key of an opening event that says: when the set is decided, its other waits stay open."""
NOT_NEEDED = "system: no longer needed"


def closing_of_set(won: Sequence[str]) -> dict[str, Any]:
    """Return the content of the event that closes a set.

    `won` are the keys of the waits that decided the set.
    """
    return closing("decided", list(won), responder="system: set")


def closing_of_unneeded(why: str) -> dict[str, Any]:
    """Return the content of the event that closes a wait which a decided set doesn't need any more.

    `why` is a sentence that says how the set was decided.
    """
    return closing("withdrawn", responder=NOT_NEEDED, comment=why)


def closing_sentence(opened: Mapping[str, Any], closed: Mapping[str, Any]) -> str:
    """Return a sentence that says how a wait was closed, such as "A timer elapsed first".

    The sentence is for people whose answers to other questions of the same set are no longer
    needed. `opened` and `closed` are the contents of the events that opened and closed the wait.
    """
    match opened["wait"]:
        case "request":
            return _told_of_request(Question.from_json(opened), closed)
        case "timer":
            return "A timer elapsed first."
        case "signal" if closed["outcome"] == "received":
            return f"The signal {opened['signal']} arrived first, from {closed['responder']}."
        case "signal":
            return f"The signal {opened['signal']} didn't arrive in time."
        case "child" | "map":
            return f"The child run {opened['procedure']} ended first."
    return ""


def _told_of_request(asked: Question, closed: Mapping[str, Any]) -> str:
    if closed["timed_out"]:
        return f"Nobody answered the related question “{asked.prompt}” in time."
    if closed["outcome"] == Outcome.WITHDRAWN:
        return f"The related question “{asked.prompt}” was withdrawn."
    by = closed["responder"]
    if closed["outcome"] == Outcome.CHANGES_REQUESTED:
        return f"{by} sent the related question “{asked.prompt}” back."
    answer = asked.rules.public_answer(asked, closed.get("value"), str(closed["outcome"]))
    if answer:
        return f"{by} answered the related question “{asked.prompt}” with “{answer}”."
    return f"{by} answered the related question “{asked.prompt}”."

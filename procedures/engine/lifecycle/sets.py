"""Closing sets of waits, and the waits that a decided set no longer needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from procedures.engine.journal.events import closing
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question

DETACHED_KINDS = ("child", "map")
"""Kinds of waits for children, which continue when a set is decided without them."""
KEEP_OPEN = "keep_open"
"""The field of a set's opening that keeps its other parts open once the set is decided."""
NOT_NEEDED = "system: no longer needed"


def decision(won: Sequence[str]) -> dict[str, Any]:
    """Return the content of the event that closes a set; `won` are the keys that decided it."""
    return closing("decided", list(won), responder="system: set")


def not_needed(why: str) -> dict[str, Any]:
    """Return the content of the event that closes an unneeded wait of a decided set.

    `why` says what decided the set.
    """
    return closing("withdrawn", responder=NOT_NEEDED, comment=why)


def told_of(opened: Mapping[str, Any], closed: Mapping[str, Any]) -> str:
    """Return a sentence on how a wait was closed, for people whose answer is no longer needed."""
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
        return f"{by} asked back about the related question “{asked.prompt}”."
    said = asked.rules.public_answer(asked, closed.get("value"), str(closed["outcome"]))
    if said:
        return f"{by} answered the related question “{asked.prompt}” with “{said}”."
    return f"{by} answered the related question “{asked.prompt}”."

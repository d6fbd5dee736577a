"""The events of a run's waits, in words for the lines of its journal."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.overview.words import (
    Sentence,
    code,
    run_code,
    sentence,
    shortened,
    strong,
    who,
    with_comment,
    with_reason,
)
from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.lifecycle.fork import CARRIED_FROM
from procedures.engine.lifecycle.inbox import MESSAGE

Told = tuple[str, Sentence]
"""The name of the symbol and the sentence with which a line describes an event."""
ANSWERS = {"approved", "answered", "edited", "changes_requested"}
CLOSINGS = {
    "elapsed": lazy("The time is up"),
    "decided": lazy("Enough of the waits have ended"),
    "succeeded": lazy("The child run has succeeded"),
    "finished": lazy("The child runs have ended"),
}
CHILDREN = {
    "failed": lazy("The child run failed"),
    "cancelled": lazy("The child run was cancelled"),
}
ANSWERED = {
    "approved": lazy("Approved by {person}"),
    "rejected": lazy("Rejected by {person}"),
    "answered": lazy("Answered by {person}"),
    "edited": lazy("Edited by {person}"),
    "changes_requested": lazy("Sent back by {person}"),
    "expired": lazy("Expired without an answer"),
    "withdrawn": lazy("Withdrawn by {person}"),
}


def opened_wait(_event: JournalEvent, data: dict[str, Any]) -> Told:
    due = datetime.fromisoformat(data["due_at"]) if data.get("due_at") else ""
    match data["wait"]:
        case "timer":
            slept = sentence(_("Sleeping until {due}") if due else _("Sleeping"), due=due)
            return "timer", with_reason(slept, data.get("reason", ""))
        case "signal" if data["signal"] == MESSAGE:
            words = _("Waiting until {due} for a reply to {text}")
            words = words if due else _("Waiting for a reply to {text}")
            return "timer", sentence(words, text=strong(shortened(data["text"], 200)), due=due)
        case "signal":
            words = _("Waiting for the signal {signal} until {due}")
            words = words if due else _("Waiting for the signal {signal}")
            waits = sentence(words, signal=code(data["signal"]), due=due)
            return "timer", with_reason(waits, data.get("reason", ""))
        case "set":
            words = ngettext(
                "Waiting until {need} of {count} waits has ended",
                "Waiting until {need} of {count} waits have ended",
                data["need"],
            )
            return "timer", sentence(words, need=data["need"], count=len(data["over"]))
    words = _("Asked {prompt} (until {due})") if due else _("Asked {prompt}")
    return "person", sentence(words, prompt=strong(data["prompt"]), due=due)


def closed_wait(_event: JournalEvent, data: dict[str, Any]) -> Told:
    if plain := CLOSINGS.get(data["outcome"]):
        return "done", sentence(str(plain))
    by = who(data["responder"])
    if data["outcome"] == "received" and data.get("is_message"):
        words, text = _("{sender} wrote: {text}"), shortened(_value_of(data).get("text", ""), 300)
        return "done", sentence(words, sender=strong(by), text=text)
    if data["outcome"] == "received":
        return "done", sentence(_("The signal arrived from {sender}"), sender=strong(by))
    if data["responder"] == "system: child":
        ended = sentence(str(CHILDREN.get(data["outcome"], _("The child run has ended"))))
        return "failed", with_reason(ended, data["comment"])
    look = "done" if data["outcome"] in ANSWERS else "refused"
    words = str(ANSWERED.get(data["outcome"], _("Closed by {person}: {outcome}")))
    closed = sentence(words, person=by, outcome=data["outcome"])
    if CARRIED_FROM in data:
        words, run = _("{answer}, in the run {run}"), run_code(data[CARRIED_FROM])
        closed = sentence(words, answer=closed, run=run)
    line = with_comment(closed, data["comment"])
    if reason := data.get("reason"):
        words = _("{event} (bypass by an administrator: {reason})")
        line = sentence(words, event=line, reason=shortened(reason, 200))
    return look, line


def _value_of(data: dict[str, Any]) -> dict[str, Any]:
    """Return the signal or message that closed a wait.

    Return {} if the value isn't a mapping or is stored outside the event because of its size.
    """
    value = data.get("value")
    return value if isinstance(value, dict) else {}

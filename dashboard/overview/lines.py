"""The lines of a run's journal, in words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from dashboard.overview.cuts import RAW, Room, cut_text, cut_value
from dashboard.overview.drawing import pretty
from dashboard.overview.words import (
    Part,
    Sentence,
    code,
    format_duration,
    moment,
    name_of,
    ordinal,
    progress_words,
    sentence,
    short_id,
    shortened,
    strong,
    who,
)
from procedures.engine.errors import without_traceback
from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.large import ELSEWHERE
from procedures.engine.journal.payloads import NOT_KEPT
from procedures.engine.lifecycle.fork import CARRIED_FROM
from procedures.engine.values.readable import readable
from procedures.models import Event

LONGEST = Room(500, lines=10)
WORKER = "a worker"
CLOCK = "the clock"


@dataclass(frozen=True)
class Line:
    """One event: how it looks, what it says, whose doing it was, and all that is kept of it."""

    look: str
    words: Sentence
    actor: str
    raw: str
    is_part: bool = False
    """Whether `raw` is only a part of it."""


def line_of(event: Event) -> Line:
    kept = event.as_journal_event()
    data = readable(kept.content)
    look, words = KINDS.get(event.kind, _other)(kept, data)
    found = cut_value(without_traceback(kept.content), RAW)
    is_part = bool(found.note) or any(name.endswith(ELSEWHERE) for name in data)
    raw = pretty(found.value) if found.value else ""
    return Line(look, _cut(words), _actor(event.kind, data), raw, is_part=is_part)


def _cut(words: Sentence) -> Sentence:
    """No part of a line is longer than what is read of it."""
    return Sentence(
        tuple(replace(one, text=str(cut_text(one.text, LONGEST))) for one in words.parts)
    )


def _actor(kind: str, data: dict[str, Any]) -> str:
    if kind == EventKind.RUN_STARTED:
        return str(data["by"])
    if kind in (EventKind.OPERATOR, EventKind.RUN_CANCELLED):
        return str(data.get("by", WORKER))
    if kind == EventKind.WAIT_CLOSED:
        responder = str(data["responder"])
        return CLOCK if responder.startswith("system") else responder
    return WORKER


Told = tuple[str, Sentence]


def _started(_: JournalEvent, data: dict[str, Any]) -> Told:
    return "running", sentence("Started, with the code ", code(data["code"]))


def _succeeded_step(event: JournalEvent, data: dict[str, Any]) -> Told:
    if why := data.get(NOT_KEPT):
        words = (" is done, but its result could not be kept: ", shortened(why, 200))
        return "retrying", sentence(code(event.key), *words)
    took = format_duration(event.at - datetime.fromisoformat(data["started_at"]))
    return "done", sentence(code(event.key), f" done in {took}{_again(data)}")


def _failed_step(event: JournalEvent, data: dict[str, Any]) -> Told:
    fault = shortened(f"{data['type']}: {data['message']}", 200)
    words = (code(event.key), f" failed{_again(data)}: {fault.rstrip('.')}")
    if data["final"]:
        return "failed", sentence(*words)
    due = moment(datetime.fromisoformat(data["retry_at"]), "seconds")
    return "retrying", sentence(*words, "; tried again at ", due)


def _again(data: dict[str, Any]) -> str:
    return f", attempt {data['attempt']}" if data["attempt"] > 1 else ""


def _opened(event: JournalEvent, data: dict[str, Any]) -> Told:
    due = data.get("due_at")
    until = (", until ", datetime.fromisoformat(due)) if due else ()
    match data["wait"]:
        case "timer":
            return "timer", sentence("Sleeps", *until, _because(data.get("reason", "")))
        case "signal":
            why = _because(data.get("reason", ""))
            return "timer", sentence("Waits for the signal ", code(data["signal"]), *until, why)
        case "set":
            return "timer", sentence(f"Waits for {data['need']} of {len(data['over'])}")
    return "person", sentence("Asks ", strong(data["prompt"]), *until)


def _closed(event: JournalEvent, data: dict[str, Any]) -> Told:
    if plain := CLOSINGS.get(data["outcome"]):
        return "done", sentence(plain)
    if data["outcome"] == "received":
        return "done", sentence("The signal has come, from ", strong(who(data["responder"])))
    if data["responder"] == "system: child":
        return "failed", sentence(f"The child run {data['outcome']}", _because(data["comment"]))
    look = "done" if data["outcome"] in {"approved", "answered", "edited"} else "refused"
    comment = f": “{shortened(data['comment'], 300)}”" if data["comment"] else ""
    by = f" by {who(data['responder'])}"
    return look, sentence(data["outcome"].capitalize(), by, *_carried(data), comment)


def _carried(data: dict[str, Any]) -> tuple[str | Part, ...]:
    """That it was another run which was told so."""
    return (", to the run ", _short(data[CARRIED_FROM])) if CARRIED_FROM in data else ()


CLOSINGS = {
    "elapsed": "The time is up",
    "decided": "Enough of them are there",
    "succeeded": "The child run is done",
    "finished": "The child runs have ended",
}


def _because(message: str) -> str:
    return f": {shortened(message, 200)}" if message else ""


def _begun(event: JournalEvent, data: dict[str, Any]) -> Told:
    if data["wait"] == "map":
        many = f"{data['count']:,} runs of "
        return "running", sentence(
            f"Starts {many}", code(event.name), f", {data['at_most']} at a time"
        )
    return "running", sentence("Starts a run of ", code(event.name))


def _seen(event: JournalEvent, data: dict[str, Any]) -> Told:
    value = code(shortened(str(data["value"]), 100))
    if event.name == "finished":
        return "idle", sentence("Goes on with ", value, ", which is closed")
    return "idle", sentence(f"Reads the {event.name} of ", code(data["of"]), ": ", value)


def _sent(_: JournalEvent, data: dict[str, Any]) -> Told:
    if data["refused"]:
        return "failed", sentence(data["refused"])
    to = _short(data["to"])
    if data["act"] == "cancel":
        return "idle", sentence("Cancels the run ", to, _because(data["reason"]))
    why = f" as an error: {shortened(data['error'], 200)}" if data["error"] else ""
    return "idle", sentence("Sends the signal ", code(data["signal"]), " to the run ", to, why)


def _continued(_: JournalEvent, data: dict[str, Any]) -> Told:
    return "running", sentence(f"Begins anew, for the {ordinal(data['generation'])} time")


def _suspended(_: JournalEvent, __: dict[str, Any]) -> Told:
    return "idle", sentence("Left its worker while it waits")


def _failed(_: JournalEvent, data: dict[str, Any]) -> Told:
    return "failed", sentence("Failed: ", shortened(f"{data['type']}: {data['message']}", 300))


def _quarantined(_: JournalEvent, data: dict[str, Any]) -> Told:
    return "failed", sentence("Quarantined: ", shortened(data["message"], 300))


def _cancelled(_: JournalEvent, data: dict[str, Any]) -> Told:
    ended = "Ended at once" if data.get("forced") else "Cancelled"
    return "refused", sentence(ended, *((" by ", strong(data["by"])) if data else ()))


def _state(_: JournalEvent, data: dict[str, Any]) -> Told:
    is_aside = "value" + ELSEWHERE in data
    value = "a large value" if is_aside else shortened(pretty(data["value"]), 120)
    return "idle", sentence(code(data["name"]), " is ", code(value))


def _text(_: JournalEvent, data: dict[str, Any]) -> Told:
    look = {"warning": "retrying", "error": "failed", "critical": "failed"}.get(
        str(data.get("level", "")), "idle"
    )
    return look, sentence(data["text"])


def _progress(event: JournalEvent, data: dict[str, Any]) -> Told:
    has_counts = data.get("total") and "done" in data
    counts = progress_words(data["done"], data["total"]) if has_counts else ""
    last = shortened(data["text"].rpartition("\n")[2], 200)
    words = ": ".join(filter(None, [counts, last]))
    if "attempt" not in data:
        return "idle", sentence(words)
    return "idle", sentence(code(event.key), f" {words}" if counts else f": {words}")


def _operator(event: JournalEvent, data: dict[str, Any]) -> Told:
    reason = f": “{shortened(data['reason'], 300)}”"
    return "person", sentence(strong(data["by"]), *_deed(event.key, data), reason)


def _deed(step: str, data: dict[str, Any]) -> tuple[str | Part, ...]:
    """What an operator did; `step` is the one that a retry tries again."""
    action = data["action"]
    if action == "reassign":
        return (" gave the question to ", strong(name_of(data["to"])))
    if action == "retry" and step:
        return (" let the run go on, and ", code(step), " be tried again")
    if action == "restart":
        return (" started the run ", _short(data["from"]), " anew")
    if action == "fork":
        return (" forked the run ", _short(data["from"]), " at ", code(data["at"]))
    return (DEEDS.get(action, f": {action}"),)


def _short(run_id: str) -> Part:
    return code(short_id(UUID(run_id)))


DEEDS = {
    "cancel": " cancelled the run",
    "force_end": " ended the run at once, and undid nothing",
    "pause": " paused the run",
    "unpause": " let the paused run go on",
    "retry": " let the run go on from where it stood",
    "override": " let the run go on with changed code",
    "withdraw": " withdrew the question",
}


def _other(event: JournalEvent, _: dict[str, Any]) -> Told:
    return "idle", sentence(event.kind.replace(".", " "), f" {event.name}".rstrip())


KINDS: dict[str, Callable[[JournalEvent, dict[str, Any]], Told]] = {
    EventKind.RUN_STARTED: _started,
    EventKind.RUN_SUSPENDED: _suspended,
    EventKind.RUN_RESUMED: lambda *_: ("running", sentence("Taken up again by a worker")),
    EventKind.RUN_SUCCEEDED: lambda *_: ("done", sentence("Done")),
    EventKind.RUN_FAILED: _failed,
    EventKind.RUN_CANCELLED: _cancelled,
    EventKind.OPERATOR: _operator,
    EventKind.RUN_QUARANTINED: _quarantined,
    EventKind.RUN_CONTINUED: _continued,
    EventKind.STEP_STARTED: lambda event, _: (
        "running",
        sentence(code(event.key), " begins, once"),
    ),
    EventKind.STEP_SUCCEEDED: _succeeded_step,
    EventKind.STEP_FAILED: _failed_step,
    EventKind.CHILD_STARTED: _begun,
    EventKind.SEEN: _seen,
    EventKind.SENT: _sent,
    EventKind.PATCH: lambda event, _: ("idle", sentence("Takes the patch ", code(event.name))),
    EventKind.COMPENSATION: lambda event, _: (
        "idle",
        sentence("To be undone by ", code(event.name)),
    ),
    EventKind.WAIT_OPENED: _opened,
    EventKind.WAIT_CLOSED: _closed,
    EventKind.STATE: _state,
    EventKind.STAGE: lambda event, _: ("stage", sentence(strong(event.name))),
    EventKind.LOG: _text,
    EventKind.PROGRESS: _progress,
    EventKind.NOTICE: _text,
}

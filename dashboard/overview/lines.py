"""The events of a run's journal as lines in words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.overview.cuts import RAW, SizeLimits, cut_text, cut_value
from dashboard.overview.drawing import pretty
from dashboard.overview.wait_lines import Told, closed_wait, opened_wait
from dashboard.overview.words import (
    Sentence,
    code,
    format_duration,
    moment,
    name_of,
    paragraph,
    progress_words,
    run_code,
    sentence,
    shortened,
    spent_words,
    strong,
    with_comment,
    with_reason,
)
from procedures.engine.execution.spending import added
from procedures.engine.journal.error_payloads import without_traceback
from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.large import ELSEWHERE
from procedures.engine.journal.payloads import NOT_KEPT
from procedures.engine.values.readable import readable
from procedures.models import Event

LONGEST = SizeLimits(500, lines=10)
WORKER = "a worker"
SYSTEM = "the system"


@dataclass(frozen=True)
class JournalLine:
    """A line about an event of a journal: a symbol, a sentence, the actor and the event's data."""

    look: str
    words: Sentence
    actor: str
    raw: str
    is_part: bool = False
    """True if `raw` doesn't contain all of the event's data."""


def line_of(event: Event) -> JournalLine:
    kept = event.as_journal_event()
    data = readable(kept.content)
    look, words = KINDS.get(event.kind, _other)(kept, data)
    found = cut_value(without_traceback(kept.content), RAW)
    is_part = bool(found.note) or any(name.endswith(ELSEWHERE) for name in data)
    raw = pretty(found.value) if found.value else ""
    return JournalLine(look, _cut(words), _actor(event.kind, data), raw, is_part=is_part)


def _cut(long: Sentence) -> Sentence:
    """Return the sentence with long parts shortened."""
    return Sentence(
        tuple(replace(one, text=str(cut_text(one.text, LONGEST))) for one in long.parts)
    )


def _actor(kind: str, data: dict[str, Any]) -> str:
    if kind == EventKind.RUN_STARTED:
        return str(data["by"])
    if kind in (EventKind.OPERATOR, EventKind.RUN_CANCELLED):
        return str(data.get("by", WORKER))
    if kind == EventKind.WAIT_CLOSED:
        responder = str(data["responder"])
        return SYSTEM if responder.startswith("system") else responder
    return WORKER


def _started(_event: JournalEvent, data: dict[str, Any]) -> Told:
    return "running", sentence(_("Started with code {version}"), version=code(data["code"]))


def _succeeded_step(event: JournalEvent, data: dict[str, Any]) -> Told:
    step = code(event.key)
    if why := data.get(NOT_KEPT):
        words = _("{step} finished, but its result couldn't be stored: {reason}")
        return "retrying", sentence(words, step=step, reason=shortened(why, 200))
    took = format_duration(event.at - datetime.fromisoformat(data["started_at"]))
    words = _("{step} finished in {duration}")
    if data["attempt"] > 1:
        words = _("{step} finished in {duration} (attempt {attempt})")
    finished = sentence(words, step=step, duration=took, attempt=data["attempt"])
    return "done", _with_messages(finished, data, "messages")


def _failed_step(event: JournalEvent, data: dict[str, Any]) -> Told:
    fault = shortened(f"{data['type']}: {data['message']}", 200).rstrip(".")
    words = _("{step} failed: {error}.")
    if data["attempt"] > 1:
        words = _("{step} failed (attempt {attempt}): {error}.")
    failed = sentence(words, step=code(event.key), attempt=data["attempt"], error=fault)
    if data["final"]:
        return "failed", failed
    due = moment(datetime.fromisoformat(data["retry_at"]), "seconds")
    return "retrying", paragraph(failed, sentence(_("It will be tried again at {due}."), due=due))


def _begun(event: JournalEvent, data: dict[str, Any]) -> Told:
    procedure = code(event.name)
    if data["wait"] == "map":
        count, at_most = data["count"], data["at_most"]
        words = ngettext(
            "Started {count} run of {procedure}, {at_most} at a time",
            "Started {count} runs of {procedure}, {at_most} at a time",
            count,
        )
        return "running", sentence(words, count=count, procedure=procedure, at_most=at_most)
    return "running", sentence(_("Started a run of {procedure}"), procedure=procedure)


def _seen(event: JournalEvent, data: dict[str, Any]) -> Told:
    if "signal" in data:
        return _read_signals(data)
    if event.name == "inbox":
        return _read_inbox(data)
    value = code(shortened(str(data["value"]), 100))
    if event.name == "finished":
        return "idle", sentence(_("Continued with {wait}, the next one to finish"), wait=value)
    words = _("Read the {field} of {wait}: {value}")
    return "idle", sentence(words, field=event.name, wait=code(data["of"]), value=value)


def _read_signals(data: dict[str, Any]) -> Told:
    name, count = code(data["signal"]), len(data.get("read", ()))
    if not count:
        return "idle", sentence(_("Looked for new {name} signals: there were none"), name=name)
    words = ngettext(
        "Read {count} {name} signal: {values}", "Read {count} {name} signals: {values}", count
    )
    found = [one["value"] for one in data["value"] or ()]
    values = code(shortened(str(found), 100))
    return "idle", sentence(words, count=count, name=name, values=values)


def _read_inbox(data: dict[str, Any]) -> Told:
    if "read" not in data:
        return "idle", sentence(_("Looked for new messages to the run: there were none"))
    return "person", _with_messages(sentence(_("Read the messages to the run")), data, "value")


def _with_messages(event: Sentence, data: dict[str, Any], name: str) -> Sentence:
    """Add to a sentence how many messages the step or observation has read, and their texts.

    `name` is the key of the event's data under which the messages are.
    """
    if not (count := len(data.get("read", ()))):
        return event
    sentence_text = ngettext(
        "{event}, with {count} message", "{event}, with {count} messages", count
    )
    texts = [f"{one['by']}: {one['text']}" for one in data.get(name) or ()]
    return with_reason(sentence(sentence_text, event=event, count=count), " · ".join(texts))


def _sent(_event: JournalEvent, data: dict[str, Any]) -> Told:
    if data["refused"]:
        return "failed", sentence("{reason}", reason=data["refused"])
    to = run_code(data["to"])
    if data["act"] == "cancel":
        return "idle", with_reason(sentence(_("Cancelled the run {run}"), run=to), data["reason"])
    words = _("Sent the signal {signal} to the run {run}")
    if data["error"]:
        words = _("Sent the signal {signal} to the run {run} as an error: {error}")
    error = shortened(data["error"] or "", 200)
    return "idle", sentence(words, signal=code(data["signal"]), run=to, error=error)


def _continued(_event: JournalEvent, data: dict[str, Any]) -> Told:
    words = _("Continued with an empty journal (part {generation}); nothing is repeated")
    return "running", sentence(words, generation=data["generation"])


def _suspended(_event: JournalEvent, __: dict[str, Any]) -> Told:
    return "idle", sentence(_("Released its worker while waiting"))


def _failed(_event: JournalEvent, data: dict[str, Any]) -> Told:
    fault = shortened(f"{data['type']}: {data['message']}", 300)
    return "failed", sentence(_("Failed: {error}"), error=fault)


def _quarantined(_event: JournalEvent, data: dict[str, Any]) -> Told:
    return "failed", sentence(_("Quarantined: {error}"), error=shortened(data["message"], 300))


def _cancelled(_event: JournalEvent, data: dict[str, Any]) -> Told:
    words = _("Ended at once by {person}") if data.get("forced") else _("Cancelled by {person}")
    return "refused", sentence(words, person=strong(data["by"])) if data else sentence(
        _("Cancelled")
    )


def _state(_event: JournalEvent, data: dict[str, Any]) -> Told:
    is_aside = "value" + ELSEWHERE in data
    value = _("a large value") if is_aside else shortened(pretty(data["value"]), 120)
    return "idle", sentence(_("{name} is {value}"), name=code(data["name"]), value=code(value))


def _text(_event: JournalEvent, data: dict[str, Any]) -> Told:
    look = {"warning": "retrying", "error": "failed", "critical": "failed"}.get(
        str(data.get("level", "")), "idle"
    )
    return look, sentence("{text}", text=data["text"])


def _progress(event: JournalEvent, data: dict[str, Any]) -> Told:
    if data.get("writes"):
        return "idle", sentence(_("{step} began to write a text"), step=code(event.key))
    if "spent" in data and not data["text"]:
        spent = spent_words(added([data["spent"]]))
        return "idle", sentence(_("{step} used {spent}"), step=code(event.key), spent=spent)
    has_counts = data.get("total") and "done" in data
    counts = progress_words(data["done"], data["total"]) if has_counts else ""
    last = shortened(data["text"].rpartition("\n")[2], 200)
    words = ": ".join(filter(None, [counts, last]))
    pattern = "{progress}"
    if "attempt" in data:
        pattern = _("{step} {progress}") if counts else _("{step}: {progress}")
    return "idle", sentence(pattern, step=code(event.key), progress=words)


def _operator(event: JournalEvent, data: dict[str, Any]) -> Told:
    return "person", with_comment(_deed(event.key, data), data["reason"])


def _deed(step: str, data: dict[str, Any]) -> Sentence:
    """Return a sentence about what an operator did; `step` is the failed step, for a retry."""
    action, by = data["action"], strong(data["by"])
    if action == "reassign":
        words = _("{person} reassigned the question to {assignee}")
        return sentence(words, person=by, assignee=strong(name_of(data["to"])))
    if action == "retry" and step:
        return sentence(_("{person} retried {step}"), person=by, step=code(step))
    if action == "restart":
        words = _("{person} restarted the run {run}")
        return sentence(words, person=by, run=run_code(data["from"]))
    if action == "fork":
        words, place = _("{person} forked the run {run} at {place}"), code(data["at"])
        return sentence(words, person=by, run=run_code(data["from"]), place=place)
    words = str(DEEDS.get(action, "{person}: {action}"))
    return sentence(words, person=by, action=action)


DEEDS = {
    "cancel": lazy("{person} cancelled the run"),
    "force_end": lazy("{person} ended the run at once, without undoing anything"),
    "pause": lazy("{person} paused the run"),
    "unpause": lazy("{person} resumed the run"),
    "retry": lazy("{person} retried the run from where it stopped"),
    "override": lazy("{person} continued the run with changed code"),
    "withdraw": lazy("{person} withdrew the question"),
}


def _other(event: JournalEvent, _data: dict[str, Any]) -> Told:
    words = f"{event.kind.replace('.', ' ')} {event.name}".rstrip()
    return "idle", sentence("{event}", event=words)


KINDS: dict[str, Callable[[JournalEvent, dict[str, Any]], Told]] = {
    EventKind.RUN_STARTED: _started,
    EventKind.RUN_SUSPENDED: _suspended,
    EventKind.RUN_RESUMED: lambda *__: ("running", sentence(_("Resumed by a worker"))),
    EventKind.RUN_SUCCEEDED: lambda *__: ("done", sentence(_("Done"))),
    EventKind.RUN_FAILED: _failed,
    EventKind.RUN_CANCELLED: _cancelled,
    EventKind.OPERATOR: _operator,
    EventKind.RUN_QUARANTINED: _quarantined,
    EventKind.RUN_CONTINUED: _continued,
    EventKind.STEP_STARTED: lambda event, __: (
        "running",
        sentence(_("{step} started (runs at most once)"), step=code(event.key)),
    ),
    EventKind.STEP_SUCCEEDED: _succeeded_step,
    EventKind.STEP_FAILED: _failed_step,
    EventKind.CHILD_STARTED: _begun,
    EventKind.SEEN: _seen,
    EventKind.SENT: _sent,
    EventKind.PATCH: lambda event, __: (
        "idle",
        sentence(_("Used the new code of the patch {patch}"), patch=code(event.name)),
    ),
    EventKind.COMPENSATION: lambda event, __: (
        "idle",
        sentence(
            _("If the run fails or is cancelled, {step} will run to undo what was done"),
            step=code(event.name),
        ),
    ),
    EventKind.WAIT_OPENED: opened_wait,
    EventKind.WAIT_CLOSED: closed_wait,
    EventKind.STATE: _state,
    EventKind.STAGE: lambda event, __: ("stage", sentence("{stage}", stage=strong(event.name))),
    EventKind.LOG: _text,
    EventKind.PROGRESS: _progress,
    EventKind.NOTICE: _text,
}

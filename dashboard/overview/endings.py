"""Sentences about runs that have ended or can't continue, with errors and reasons."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.overview.facts import Facts
from dashboard.overview.words import (
    Sentence,
    code,
    format_duration,
    listed,
    paragraph,
    sentence,
    shortened,
    strong,
)
from procedures.engine.values import canonical
from procedures.models import Run

SPEAKING = {
    "BranchFailedError",
    "ChildFailedError",
    "ChoiceGoneError",
    "FileGoneError",
    "LimitReached",
    "NotApprovedError",
    "RequestExpiredError",
    "SignalError",
    "StateConflictError",
    "UnreachableRunError",
}
LONGEST_FAULT = 240
LONGEST_REASON = 240


def succeeded(facts: Facts) -> Sentence:
    run = facts.run
    took = format_duration((run.ended_at or run.created_at) - run.created_at)
    if facts.kept is None:
        return sentence(_("Finished after {duration}."), duration=took)
    if not (work := listed(_work_of(facts))):
        return sentence(_("Finished after {duration} without any steps or waits."), duration=took)
    return sentence(_("Finished after {duration}: {work}."), duration=took, work=work)


def _work_of(facts: Facts) -> list[str]:
    kept, answers, others = facts.kept or 0, facts.answers, facts.others
    steps = ngettext("{count} step", "{count} steps", kept)
    questions = ngettext("{count} question to people", "{count} questions to people", answers)
    waits = ngettext("{count} wait", "{count} waits", others)
    if kept or answers:
        waits = ngettext("{count} other wait", "{count} other waits", others)
    found = ((kept, steps), (answers, questions), (others, waits))
    return [words.format(count=f"{count:,}") for count, words in found if count]


def failed(facts: Facts) -> Sentence:
    error = error_of(facts.run)
    if error["type"] == "StepFailedError" and ": " in error["message"]:
        step, _colon, message = error["message"].partition(": ")
        words = sentence(_("Failed in {step}: {error}"), step=code(step), error=ended(message))
    else:
        fault = ended(fault_of(error["type"], error["message"]))
        words = sentence(_("Failed: {error}"), error=fault)
    return paragraph(words, _kept(facts))


def cancelled(facts: Facts) -> Sentence:
    if not facts.cancelled:
        return paragraph(sentence(_("Cancelled.")), _kept(facts))
    by, reason = strong(facts.cancelled["by"]), quoted(facts.cancelled["reason"])
    if not facts.cancelled.get("forced", False):
        words = sentence(_("Cancelled by {person}: {reason}"), person=by, reason=reason)
        return paragraph(words, _kept(facts))
    words = sentence(_("Ended at once by {person}: {reason}"), person=by, reason=reason)
    nothing = None if facts.kept else sentence(_("Nothing was undone."))
    return paragraph(words, nothing, _kept(facts))


def quarantined(facts: Facts) -> Sentence:
    error = error_of(facts.run)
    words = sentence(_("This run can't continue: {error}"), error=ended(error["message"]))
    remedy = error.get("remedy", "")
    return paragraph(words, sentence("{remedy}", remedy=remedy) if remedy else None)


def _kept(facts: Facts) -> Sentence | None:
    """Return a sentence that says how many steps of a stopped run had finished or were undone.

    Return None if the number of steps wasn't read, as for lists.
    """
    if facts.kept is None:
        return None
    if facts.undone:
        return _undone(facts.undone, facts.to_undo)
    if not facts.kept:
        return sentence(_("No step had finished."))
    words = ngettext(
        "{count} finished step wasn't undone.",
        "{count} finished steps weren't undone.",
        facts.kept,
    )
    return sentence(words, count=facts.kept)


def _undone(done: int, of: int) -> Sentence:
    if done >= of:
        words = ngettext("{count} step was undone.", "{count} steps were undone.", done)
        return sentence(words, count=done)
    words = _("Steps undone: {done} of {count}. Check the rest by hand.")
    return sentence(words, done=done, count=of)


def error_of(run: Run) -> dict[str, Any]:
    """Return the run's error as a dict with "type" and "message"; the message may be ""."""
    return canonical.plain(run.error) if run.error else {"type": "Error", "message": ""}


def fault_of(kind: str, message: str) -> str:
    """Return an error as "type: message"; of some errors of the engine, return only the message."""
    words = message if kind in SPEAKING else ": ".join(filter(None, [kind, message]))
    return shortened(words, LONGEST_FAULT)


def ended(message: str) -> str:
    """Return the message, with a full stop unless it already ends with a punctuation mark."""
    message = shortened(message, LONGEST_FAULT)
    return message if message.endswith((".", "!", "?", "…")) else f"{message}."


def quoted(reason: str) -> str:
    """Return a reason in quotation marks, with a full stop at its end if it has none."""
    reason = shortened(reason, LONGEST_REASON)
    return f"“{reason}”" if reason.endswith((".", "!", "?", "…")) else f"“{reason}”."

"""The state of a run in words: a label, a sentence, and the time since when the run is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.overview import endings
from dashboard.overview.endings import ended, fault_of, quoted
from dashboard.overview.facts import Facts
from dashboard.overview.openings import LONG
from dashboard.overview.waiting import LONGEST_PROMPT, counts_of, describe_waits, people_of
from dashboard.overview.words import (
    Sentence,
    code,
    moment,
    paragraph,
    sentence,
    shortened,
    strong,
    who,
)
from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.models import Run

Look = Literal[
    "queued",
    "running",
    "person",
    "timer",
    "retrying",
    "paused",
    "done",
    "failed",
    "cancelled",
    "quarantined",
]
FAR = timedelta(days=31)
"""A run's time limit is mentioned only if it ends within this time."""
WORDS: dict[RunStatus, tuple[Look, str | Promise]] = {
    RunStatus.QUEUED: ("queued", lazy("Queued")),
    RunStatus.RUNNING: ("running", lazy("Running")),
    RunStatus.WAITING: ("timer", lazy("Waiting")),
    RunStatus.RETRYING: ("retrying", lazy("Retrying")),
    RunStatus.PAUSED: ("paused", lazy("Paused")),
    RunStatus.SUCCEEDED: ("done", lazy("Done")),
    RunStatus.FAILED: ("failed", lazy("Failed")),
    RunStatus.CANCELLED: ("cancelled", lazy("Cancelled")),
    RunStatus.QUARANTINED: ("quarantined", lazy("Quarantined")),
}


@dataclass(frozen=True)
class State:
    """The state of a run: `words` are its short label, and `sentence` explains it."""

    look: Look
    words: Sentence
    since: datetime
    is_end: bool
    sentence: Sentence


def state_of(facts: Facts) -> State:
    look, label = _label(facts)
    return State(look, label, _since(facts), facts.status.is_end, _explained(facts))


def cause_of(facts: Facts) -> str:
    """Return a text that is equal for runs that are in their state for the same reason."""
    if facts.status == RunStatus.PAUSED:  # most stuck runs of some sites; few of them are described
        by = facts.paused.get("by", "")
        why = by and facts.paused["reason"]
        return repr((by, why, facts.is_removed, facts.is_asking))
    if facts.failure and _label(facts)[0] == "retrying":
        return _last_failure(facts.failure).words
    return _explained(facts).words


def _explained(facts: Facts) -> Sentence:
    return (_why_stuck if facts.is_stuck else SENTENCES[facts.status])(facts)


def _label(facts: Facts) -> tuple[Look, Sentence]:
    look, words = WORDS[facts.status]
    if facts.is_stuck:
        return "quarantined", sentence(_("Stuck"))
    if facts.status not in {RunStatus.PAUSED, RunStatus.QUARANTINED}:
        if people := people_of(facts.openings, facts.answerers):
            return "person", _waiting_for(people, facts)
        if any(one.opened.get("signal") == MESSAGE for one in facts.openings):
            return look, sentence(_("Waiting for a message"))
        if due := [one.due_at for one in facts.openings if one.due_at]:
            return look, sentence(_("Waiting until {due}"), due=min(due))
    return look, sentence(str(words))


def _waiting_for(people: str, facts: Facts) -> Sentence:
    if counts := counts_of(facts.openings):
        words = _("Waiting for {people} ({done} of {needed})")
        return sentence(words, people=people, done=counts[0], needed=counts[1])
    return sentence(_("Waiting for {people}"), people=people)


def _since(facts: Facts) -> datetime:
    run = facts.run
    if facts.status == RunStatus.PAUSED and run.pause_requested_at:
        return run.pause_requested_at
    return run.ended_at or facts.opened_at or run.working_since or facts.last_at or run.created_at


def _queued(facts: Facts) -> Sentence:
    since = facts.last_at or facts.run.created_at
    if facts.hindrance:
        words = _("Queued since {since}: {reason}")
        return sentence(words, since=since, reason=facts.hindrance)
    if not facts.answered:
        return sentence(_("Waiting for a free worker since {since}."), since=since)
    then = sentence(_("The run continues as soon as a worker is free."))
    return paragraph(_arrived(facts.answered), then)


def _arrived(answered: Mapping[str, Any]) -> Sentence:
    """Return a sentence about an answer, or another end of a wait, that the run hasn't used yet."""
    outcome = answered["outcome"]
    prompt = strong(shortened(answered.get("prompt", ""), LONGEST_PROMPT))
    if not prompt.text:
        is_over = answered["timed_out"] or outcome == "elapsed"
        wait = "timer" if is_over else answered.get("wait", "")
        return sentence(str(ARRIVED.get(wait, ARRIVED["set"])))
    if answered["timed_out"]:
        return sentence(_("Nobody answered {prompt} in time."), prompt=prompt)
    if outcome == "withdrawn":
        return sentence(_("{prompt} was withdrawn."), prompt=prompt)
    words = _("{prompt} was answered by {person}: {outcome}.")
    return sentence(words, prompt=prompt, person=who(answered["responder"]), outcome=outcome)


def _why_stuck(facts: Facts) -> Sentence:
    if facts.is_without_storage:
        return _without_storage(facts)
    return _removed(facts) if facts.is_removed else _stranded(facts)


def _stranded(facts: Facts) -> Sentence:
    since = facts.last_at or facts.run.created_at
    words = _("Stuck: {reason} Queued since {since}.")
    return sentence(words, reason=facts.stranded, since=since)


def _without_storage(facts: Facts) -> Sentence:
    words = _(
        "Stuck since {since}: the file store or the database is unavailable. The run continues"
        " by itself once both can be used again. Operators find the reason on their home page"
        " and in the workers' log."
    )
    return sentence(words, since=facts.last_at or facts.run.created_at)


def _removed(facts: Facts) -> Sentence:
    words = _(
        "Stuck: this site has no code for the procedure {procedure}. Restore the code and restart"
        " the workers, or use “End at once”."
    )
    stuck = sentence(words, procedure=code(facts.run.procedure.name))
    if facts.status == RunStatus.WAITING:
        return paragraph(stuck, _waiting(facts))
    if facts.status == RunStatus.RETRYING and facts.failure:
        return paragraph(stuck, _last_failure(facts.failure))
    since = facts.last_at or facts.run.created_at
    return paragraph(stuck, sentence(_("Queued since {since}."), since=since))


def _running(facts: Facts) -> Sentence:
    run, step = facts.run, code(facts.run.working_on or "")
    if run.is_silent(facts.now):
        return _stuck(run)
    if run.cancel_requested_at:
        if not run.working_on:
            return sentence(_("This run is being cancelled. It ends soon."))
        return sentence(
            _("This run is being cancelled. It ends when {step} has finished."), step=step
        )
    if run.pause_requested_at:
        if not run.working_on:
            return sentence(_("This run is being paused. It stops soon."))
        return sentence(
            _("This run is being paused. It stops when {step} has finished."), step=step
        )
    return _working(facts) if run.working_on else sentence(_("Working on the next step."))


def _working(facts: Facts) -> Sentence:
    run, attempt = facts.run, facts.run.working_attempt or 1
    step = code(run.working_on or "")
    if run.working_since:
        age = moment(run.working_since, "age")
        words = _("Working on {step} for {age}.")
        if attempt > 1:
            words = _("Working on {step} for {age} (attempt {attempt}).")
        working = sentence(words, step=step, age=age, attempt=attempt)
    else:
        words = (
            _("Working on {step} (attempt {attempt}).") if attempt > 1 else _("Working on {step}.")
        )
        working = sentence(words, step=step, attempt=attempt)
    progress = shortened(facts.progress)
    return paragraph(
        working, sentence(_("Progress: {progress}"), progress=progress) if progress else None
    )


def _stuck(run: Run) -> Sentence:
    words = _("Stuck between two steps since {since}.")
    if run.working_on:
        words = _("Stuck in {step} since {since}.")
    since = run.reached_at or run.created_at
    stuck = sentence(words, step=code(run.working_on or ""), since=since)
    if run.cancel_requested_at:
        return paragraph(stuck, sentence(_("The run is being taken from its worker.")))
    remedy = _("The run still occupies a worker. Cancel it, or use “End at once”.")
    return paragraph(stuck, sentence(remedy))


def _waiting(facts: Facts) -> Sentence:
    since = facts.opened_at or facts.last_at or facts.run.created_at
    waits = describe_waits(facts.openings, since, facts.answerers)
    return paragraph(waits, _end_of_time(facts), _late(facts))


def _end_of_time(facts: Facts) -> Sentence | None:
    """Return a sentence about the time limit of a waiting run; None if the limit is far.

    It is also None if all of the run's waits will end earlier.
    """
    ends = facts.run.ends_at
    if ends is None or ends - facts.now > FAR:
        return None
    if all(one.due_at and one.due_at < ends for one in facts.openings):
        return None
    return sentence(_("At {due}, the run reaches its time limit and is ended."), due=ends)


def _late(facts: Facts) -> Sentence | None:
    if not facts.is_late:
        return None
    return sentence(_("This time has passed, but the run hasn't continued yet."))


def _retrying(facts: Facts) -> Sentence:
    due = moment(facts.run.wake_at, "seconds") if facts.run.wake_at else ""
    if not facts.failure:
        words = _("A step failed. It will be tried again at {due}.")
        words = words if due else _("A step failed. It will be tried again.")
        return paragraph(sentence(words, due=due), _late(facts))
    words = _("Attempt {attempt} follows at {due}.") if due else _("Attempt {attempt} follows.")
    then = sentence(words, attempt=facts.failure["attempt"] + 1, due=due)
    return paragraph(_tried_for_long(facts), _last_failure(facts.failure), then, _late(facts))


def _tried_for_long(facts: Facts) -> Sentence | None:
    """Return a sentence about a step that has been failing for longer than `LONG`, else None."""
    since, count = facts.failure.get("since"), facts.failure["attempt"]
    if since is None or facts.now - since < LONG:
        return None
    words = ngettext(
        "Retrying for {age}. There has been {count} attempt so far.",
        "Retrying for {age}. There have been {count} attempts so far.",
        count,
    )
    return sentence(words, age=moment(since, "age"), count=count)


def _last_failure(failure: Mapping[str, Any]) -> Sentence:
    fault = ended(fault_of(failure["type"], failure["message"]))
    return sentence(_("{step} failed: {error}"), step=code(failure["step"]), error=fault)


def _paused(facts: Facts) -> Sentence:
    run, by = facts.run, facts.paused.get("by")
    since = run.pause_requested_at or facts.last_at or run.created_at
    if by:
        words = _("Paused by {person} since {since}: {reason}")
        reason = quoted(facts.paused["reason"])
        paused = sentence(words, person=strong(by), since=since, reason=reason)
    else:
        paused = sentence(_("Paused since {since}."), since=since)
    rests = sentence(_("The run does nothing until somebody resumes it."))
    return paragraph(
        paused,
        rests,
        _gone_meanwhile(run) if facts.is_removed else None,
        sentence(_("Its questions can still be answered.")) if facts.is_asking else None,
    )


def _gone_meanwhile(run: Run) -> Sentence:
    words = _(
        "This site has no code for the procedure {procedure}. Restore the code before you resume"
        " the run."
    )
    return sentence(words, procedure=code(run.procedure.name))


ARRIVED = {
    "timer": lazy("The time is up."),
    "signal": lazy("The signal has arrived."),
    "child": lazy("The child run has ended."),
    "map": lazy("The child runs have ended."),
    "set": lazy("All that the run waited for has arrived."),
}
SENTENCES = {
    RunStatus.QUEUED: _queued,
    RunStatus.RUNNING: _running,
    RunStatus.WAITING: _waiting,
    RunStatus.RETRYING: _retrying,
    RunStatus.PAUSED: _paused,
    RunStatus.SUCCEEDED: endings.succeeded,
    RunStatus.FAILED: endings.failed,
    RunStatus.CANCELLED: endings.cancelled,
    RunStatus.QUARANTINED: endings.quarantined,
}

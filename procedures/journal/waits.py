"""Closing waits: each in the transaction of who closes it, sets decided there too.

Everywhere the run is locked, and given as the locked row.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from procedures import dispatch, hooks
from procedures.engine.journal.events import EventKind, NewEvent, RunStatus, closing
from procedures.engine.journal.large import packed
from procedures.engine.lifecycle.deciding import decision, not_needed, told_of
from procedures.engine.values import canonical
from procedures.engine.values.files import use_file_store
from procedures.engine.waits.sets import KEEP_OPEN
from procedures.engine.waits.signals import misfit_of, received, skipped
from procedures.files import ContentStore
from procedures.models import Event, Run, RunInput, Signal, Wait
from procedures.models.tallies import next_heard
from procedures.users import json_key


def close_wait(wait: Wait, content: Mapping[str, Any], *, at: datetime) -> None:
    """Close the row alone, and tell the layers above."""
    wait.close(str(content["outcome"]), at=at)
    hooks.wait_closed.send(Run, run=wait.run, wait=wait, content=content)


def answer_wait(run: Run, wait: Wait, content: Mapping[str, Any], *, at: datetime) -> None:
    """Close an open wait from outside, and let the run go on.

    A part of a set lets the run go on when the set is decided, which is here, too.
    """
    data = {**content, "at": at.isoformat()}
    RunInput.objects.keep(run.pk, NewEvent(EventKind.WAIT_CLOSED, wait.key, wait.key, data), at=at)
    wait.run = run
    close_wait(wait, content, at=at)
    whole = wait.part_of
    if whole is None or not whole.is_open:
        wake(run, at=at)
    else:
        decide(run, whole, at=at)


def decide(run: Run, whole: Wait, *, at: datetime) -> None:
    """Close a set of which enough is closed; what is left of it and can be is withdrawn."""
    closed = whole.parts.exclude(closed_at=None).order_by("closed_at", "opened_seq")
    if closed.count() < (whole.need or 0):
        return
    won = list(closed[: whole.need])
    answer_wait(run, whole, decision([wait.key for wait in won]), at=at)
    left = list(whole.parts.open())
    why = told_of(won[-1].opening(), _closing_of(won[-1])) if left else ""
    is_kept_open = bool(left) and KEEP_OPEN in whole.opening()
    for wait in left:
        if wait.is_detached or is_kept_open:
            wait.leave_set()
        else:
            answer_wait(run, wait, not_needed(why), at=at)


def _closing_of(wait: Wait) -> Mapping[str, Any]:
    """What became of a closed wait: in the journal, or on its way there."""
    kept = Event.objects.filter(run_id=wait.run_id, seq__gt=wait.opened_seq, key=wait.key)
    if event := kept.filter(kind=EventKind.WAIT_CLOSED).order_by("seq").first():
        return event.content
    coming = RunInput.objects.filter(run_id=wait.run_id, key=wait.key).untaken()
    told = coming.filter(kind=EventKind.WAIT_CLOSED).last()
    return canonical.plain(told.data) if told else closing(wait.outcome, responder="system")


def wake(run: Run, *, at: datetime) -> None:
    """Queue a run that is suspended; one that works finds its inputs when it lets go.

    One that is paused is queued when it is unpaused.
    """
    if run.is_suspended:
        queue(run, at=at)
    elif run.status == RunStatus.PAUSED:
        run.mark_runnable()


def queue(run: Run, *, at: datetime) -> None:
    """Let a worker take it up, and send word of it after the commit."""
    run.queue(at=at)
    dispatch.call_workers()


def match_signal(run: Run, wait: Wait, *, at: datetime) -> None:
    """Close a wait for a signal with the first of its name that nobody has waited for.

    Those that the waiting code cannot take are skipped, and the journal says why.
    """
    for signal in Signal.objects.unread(run, wait.signal):
        value = canonical.value_of(signal.value)
        if why := "" if signal.error else misfit_of(value, wait.opening()):
            skip(run, wait, signal, skipped(signal.name, signal.sender, why))
            continue
        receive(run, wait, signal, at=at)
        return


def receive(run: Run, wait: Wait, signal: Signal, *, at: datetime) -> None:
    """Close a wait with that signal."""
    signal.read_by(wait)
    with use_file_store(ContentStore()):
        value = packed("value", canonical.value_of(signal.value))
    ids = {"responder_id": json_key(signal.sent_by_id), "signal_id": signal.signal_id}
    content = received(value, sender=signal.sender, error=signal.error)
    answer_wait(run, wait, content | ids, at=at)


def skip(run: Run, wait: Wait, signal: Signal, why: str) -> None:
    """Let a signal be that did not fit, and say so in the journal of a locked run."""
    signal.skip(why)
    data = {"text": why, "level": "warning", "at": signal.at.isoformat()}
    told = NewEvent(EventKind.LOG, wait.key, why[:100], data)
    RunInput.objects.keep(run.pk, told, number=next_heard(run.pk))

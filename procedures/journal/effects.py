"""What a worker's events mean to the rest of the product, in their own commit."""

from collections.abc import Sequence
from datetime import datetime

from procedures import hooks
from procedures.engine.errors import Overtaken, Refused
from procedures.engine.journal.events import (
    BEGUN_ANEW,
    GOING_ON,
    Batch,
    Event,
    EventKind,
    Handoff,
    RunStatus,
)
from procedures.engine.values import canonical
from procedures.engine.waits.children import is_abandoned
from procedures.journal.cancelling import cancel_children, lock_below, withdraw_all
from procedures.journal.children import begin_children, report_to_parent
from procedures.journal.deliveries import send
from procedures.journal.storage import receivers
from procedures.journal.waits import close_wait, decide, match_signal
from procedures.models import Artifact, Run, Signal, Wait
from procedures.models.cells import insert_row


def take_effect(
    run: Run, events: Sequence[Event], batch: Batch, *, at: datetime, is_undone: bool = False
) -> bool:
    """Bring the rows in line with the events; the run's row is locked.

    `is_undone`: the worker knows that the run is to end, and undoes what it did.
    True when a run that is let go of is queued again, because something came meanwhile.
    """
    Artifact.objects.bulk_create(
        [Artifact.of(run, file) for file in batch.files], ignore_conflicts=True
    )
    is_going_on = not is_undone and any(event.kind in GOING_ON for event in events)
    if is_going_on and run.is_asked_to_stop():
        raise Overtaken(str(run.pk))  # its questions are closed, and what it did is to be undone
    decided = {event.key for event in events if event.kind == EventKind.WAIT_CLOSED}
    if batch.handoff and _ends_children(batch.handoff):
        lock_below(run.waits.open())
    elif decided:
        lock_below(run.waits.open().filter(key__in=decided))
    with receivers():
        for event in events:
            _announce(run, event, at=at, is_decided=event.key in decided)
    if batch.handoff is None:
        return False
    if batch.handoff.status.is_end:
        _end(run, batch.handoff, at=at)
        return False
    return _hand_off(run, batch.handoff, at=at, is_undone=is_undone)


def _ends_children(handoff: Handoff) -> bool:
    return handoff.status == RunStatus.CANCELLED or (handoff.status.is_end and handoff.has_children)


def _end(run: Run, handoff: Handoff, *, at: datetime) -> None:
    """Close what it still waits for, in the commit of its end, and tell its parent."""
    is_told_more, is_waiting = run.left_at_end()
    if is_told_more:
        raise Overtaken(str(run.pk))  # what an operator was told, the journal tells, too
    _hand_off(run, handoff, at=at)
    with receivers():
        if is_waiting:
            _withdraw_rest(run, at=at, by=handoff.closes)
        hooks.run_ended.send(Run, run=run)
        report_to_parent(run)


def _withdraw_rest(run: Run, *, at: datetime, by: str) -> None:
    waits = run.waits.open()
    if run.status == RunStatus.FAILED:
        waits = waits.exclude(abandons=True)  # a retry goes on waiting for what goes on
    withdraw_all(waits, at=at, by=by)


def _announce(run: Run, event: Event, *, at: datetime, is_decided: bool) -> None:
    match event.kind:
        case EventKind.NOTICE:
            content = event.content
            level = content.get("level", "")
            hooks.notice.send(Run, run=run, text=content["text"], level=level, at=at)
        case EventKind.WAIT_OPENED | EventKind.CHILD_STARTED:
            _open(run, event, at=at, is_decided=is_decided)
        case EventKind.WAIT_CLOSED:
            _close(run, event, at=at)
        case EventKind.SENT:
            send(run, event)
        case EventKind.RUN_CONTINUED:
            run.begin_anew(event.seq)


def _open(run: Run, event: Event, *, at: datetime, is_decided: bool) -> None:
    """`is_decided`: the code knows already how it closes, and says so in the same commit."""
    content = event.content
    due = content["due_at"]
    wait = Wait(
        run=run,
        kind=content["wait"],
        key=event.key,
        opened_seq=event.seq,
        due_at=datetime.fromisoformat(due) if due else None,
        signal=content.get("signal", ""),
        need=content.get("need"),
        abandons=is_abandoned(content),
    )
    insert_row(wait)
    if why := content.get("skipped"):  # what came before did not fit, and is waited for again
        for signal in Signal.objects.taken_by(run, wait.key).reverse()[:1]:
            signal.skip(why)
    if wait.kind == Wait.Kind.REQUEST and not hooks.wait_opened.has_listeners():
        raise Refused("A question was asked, but nothing here shows it to people.")
    wait.join_set()
    hooks.wait_opened.send(Run, run=run, wait=wait, content=content, at=at)
    if wait.kind == Wait.Kind.SET:
        wait.gather(content["over"])
        if not is_decided:
            decide(run, wait, at=at)
    elif wait.kind == Wait.Kind.SIGNAL and not is_decided:
        match_signal(run, wait, at=at)
    elif wait.is_detached:
        begin_children(run, wait, content, at=at)


def _close(run: Run, event: Event, *, at: datetime) -> None:
    """What the code itself closes: a set that is decided, and what nobody needs any more."""
    wait = run.waits.filter(key=event.key).order_by("opened_seq").last()
    if wait is None or not wait.is_open:
        raise Overtaken(event.key)
    content = event.content
    close_wait(wait, content, at=at)
    is_left_alone = content["responder"] == BEGUN_ANEW and wait.abandons
    if wait.is_detached and not is_left_alone:
        cancel_children(wait, at=at)


def _hand_off(run: Run, handoff: Handoff, *, at: datetime, is_undone: bool = False) -> bool:
    """What is undone may wait, too: queued again for its cancel, it would never rest."""
    status = handoff.status
    is_called = status in Run.SUSPENDED and run.is_called()
    is_ending = is_undone or status.is_end
    if is_called or (not is_ending and run.is_asked_to_stop()):
        status = RunStatus.QUEUED
    run.ends_at = handoff.ends_at
    run.hand_back(
        status,
        at=at,
        wake_at=handoff.wake_at if status == handoff.status else None,
        result=handoff.result,
        error=canonical.text_of(handoff.error) if handoff.error else "",
    )
    return status == RunStatus.QUEUED

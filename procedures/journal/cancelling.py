"""Asking runs to end: one, or a tree of them, a parent before its children."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from procedures.engine.journal.events import RunStatus, closing
from procedures.engine.replay.history import UNDO
from procedures.journal.storage import receivers
from procedures.journal.waits import close_wait, queue
from procedures.models import Run, RunInput, Wait
from procedures.models.wait import WaitQuerySet

BY_PARENT = {"action": "cancel", "by": "system", "reason": "Its parent needs it no more."}


def ask_to_end(run: Run, said: Mapping[str, Any], *, at: datetime) -> None:
    """Note who wants the run to end, and withdraw what it asks; a worker ends it, paused or not.

    The run is locked, and has not ended; what stands below it is locked here.
    """
    lock_below(run.waits.all())
    with receivers():
        _ask(run, said, at=at)


def _ask(run: Run, said: Mapping[str, Any], *, at: datetime) -> None:
    RunInput.objects.tell(run, said, at=at)
    run.request_cancel(at=at)
    withdraw_all(run.waits.open().exclude(key__startswith=UNDO), at=at)  # undoing goes on asking
    _end_all_below(run, at=at)
    if run.is_suspended or run.status in (RunStatus.QUARANTINED, RunStatus.PAUSED):
        queue(run, at=at)


def _end_all_below(run: Run, *, at: datetime) -> None:
    """Also children that were retried when their failure was known, and those of ended ones.

    These go on for a retry of their parent, or by themselves; nobody needs them any more.
    """
    needed = Run.objects.filter(parent_wait__run=run, parent_wait__abandons=False)
    below = needed.order_by("pk")
    for child in below.ended_above_others():
        withdraw_all(child.waits.open(), at=at)
        _end_all_below(child, at=at)
    for child in below.unended().filter(cancel_requested_at=None):
        _ask(child, BY_PARENT, at=at)


def lock_below(waits: WaitQuerySet) -> None:
    """Lock the children of these waits that may be asked to end, then theirs, level by level.

    Among them those that failed or succeeded: what stands below them goes on.

    Before any of them is closed: closing a question locks its session, the last lock of all,
    while a child at work holds its own run and may want the session that both share.
    """
    if connection.features.has_select_for_update:
        list(_below(waits))


def all_below(run: Run) -> list[Run]:
    """What goes on below a locked run, and those that ended above others: each one locked."""
    return list(_below(run.waits.all()))


def _below(waits: WaitQuerySet) -> Iterator[Run]:
    while True:
        children = Run.objects.filter(parent_wait__in=waits.on_children())
        alive = children.unended() | children.ended_above_others()
        level = list(alive.locked().defer("inputs", "result").order_by("pk"))
        if not level:
            return
        yield from level
        waits = Wait.objects.filter(run__in=[child.pk for child in level])


def withdraw_all(
    waits: WaitQuerySet, *, at: datetime, by: str = "system: run ended", is_end: bool = True
) -> None:
    """Close them without an answer; what stands below them is locked.

    `is_end`: because the run ends, which its abandoned children outlive.
    """
    for wait in waits:
        close_wait(wait, closing("withdrawn", responder=by), at=at)
        if wait.is_detached and not (is_end and wait.abandons):
            cancel_children(wait, at=at)


def cancel_children(wait: Wait, *, at: datetime) -> None:
    """They are locked, with all that stands below them."""
    left = wait.children.unended().filter(cancel_requested_at=None)
    for child in left.order_by("pk"):
        _ask(child, BY_PARENT, at=at)

"""Asking runs to end: one, or a tree of them, a parent before its children."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from procedures import dispatch
from procedures.engine import canonical
from procedures.engine.history import UNDO
from procedures.engine.journal import EventKind, RunStatus, closing
from procedures.journal.waits import close_wait
from procedures.models import Run, RunInput, Wait

BY_PARENT = {"action": "cancel", "by": "system", "reason": "Its parent needs it no more."}


def ask_to_end(run: Run, said: Mapping[str, Any], *, at: datetime) -> None:
    """Note who wants the run to end, and withdraw what it asks; a worker ends it.

    The run is locked, and has not ended.
    """
    RunInput.objects.create(
        run=run, kind=EventKind.OPERATOR, name="cancel", data=canonical.text_of(said)
    )
    run.request_cancel(at=at)
    for wait in run.waits.open().exclude(key__startswith=UNDO):  # undoing goes on asking
        withdraw(wait, by="system: run ended", at=at)
    if run.is_suspended or run.status == RunStatus.QUARANTINED:
        run.queue(at=at)
        dispatch.ring(run.pk)


def withdraw_all(run: Run, *, at: datetime) -> None:
    """Close what a run waits for, without an answer; its children are to end, too."""
    for wait in run.waits.open():
        withdraw(wait, by="system: run ended", at=at)


def withdraw(wait: Wait, *, by: str, at: datetime) -> None:
    close_wait(wait, closing("withdrawn", responder=by), at=at)
    if wait.goes_on_alone:
        cancel_children(wait, at=at)


def cancel_children(wait: Wait, *, at: datetime) -> None:
    left = wait.children.unended().locked().order_by("pk")
    for child in left.filter(cancel_requested_at=None):
        ask_to_end(child, BY_PARENT, at=at)

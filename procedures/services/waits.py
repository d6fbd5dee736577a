"""Closing waits from outside."""

from typing import Any
from uuid import UUID

from django.db import transaction

from procedures import dispatch
from procedures.engine import canonical
from procedures.engine.errors import EngineError
from procedures.engine.journal import EventKind, silence
from procedures.journal import close_wait
from procedures.models import Run, RunInput, Wait
from procedures.models.clock import clock


class WaitClosedError(EngineError):
    """The wait is closed already; the first outcome counts."""

    def __init__(self, wait: Wait) -> None:
        self.wait = wait
        super().__init__(f"{wait} is closed already: {wait.outcome}.")


def lock_run(run_id: UUID) -> Run:
    """The first lock of everything: run, then request, then session."""
    return Run.objects.select_for_update().get(pk=run_id)


def resolve_wait(wait: Wait, content: dict[str, Any]) -> None:
    """Close a wait and queue its run, in the caller's transaction; locks the run."""
    run = lock_run(wait.run_id)
    wait.refresh_from_db()
    if not wait.is_open:
        raise WaitClosedError(wait)
    now = clock.now()
    RunInput.objects.create(
        run=run,
        kind=EventKind.WAIT_CLOSED,
        key=wait.key,
        name=wait.key,
        data=canonical.text_of(content),
    )
    close_wait(wait, content, at=now)
    if run.is_waiting:
        run.queue(at=now)
        dispatch.ring(run.pk)


@transaction.atomic
def expire_wait(wait: Wait) -> bool:
    """Close a wait whose time is up as its author said; False when somebody was faster."""
    if not wait.is_due(clock.now()):
        return False
    lock_run(wait.run_id)
    wait.refresh_from_db()
    if not wait.is_open:
        return False
    resolve_wait(wait, silence(wait.opening()))
    return True

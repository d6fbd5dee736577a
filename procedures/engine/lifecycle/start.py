"""New runs, kept with their first events and queued."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from procedures.engine.journal.events import EventKind, NewEvent, RunStatus
from procedures.engine.store import RunRow, Store

if TYPE_CHECKING:
    from procedures.engine.values.files import File


def begin_run(store: Store, run: RunRow, *said: NewEvent, files: "Sequence[File]" = ()) -> None:
    """Insert a new queued run with its files and first events, in the caller's transaction.

    `said` are events about who made it from another run, and why.
    """
    run.status, run.queued_at = RunStatus.QUEUED, store.now
    first = NewEvent(EventKind.RUN_STARTED, data=store.beginning(run, files))
    store.insert_run(run, [first, *said], files)
    announce(store, run)


def announce(store: Store, run: RunRow) -> None:
    """Tell the layers above and the workers of a new run."""
    store.tell_started(run)
    store.call_workers(run)

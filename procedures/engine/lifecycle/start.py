"""New runs: kept with their first events, queued."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from procedures.engine.journal.events import EventKind, NewEvent, RunStatus
from procedures.engine.store import RunRow, Store

if TYPE_CHECKING:
    from procedures.engine.values.files import File


def begin_run(store: Store, run: RunRow, *said: NewEvent, files: "Sequence[File]" = ()) -> None:
    """Keep a new run with its files and first events, queued, in the caller's transaction.

    `said`: by whom and why it was made from another one.
    """
    run.status, run.queued_at = RunStatus.QUEUED, store.now
    first = NewEvent(EventKind.RUN_STARTED, data=store.beginning(run, files))
    store.insert_run(run, [first, *said], files)
    announce(store, run)


def announce(store: Store, run: RunRow) -> None:
    """Tell the layers above of a new run, and the workers."""
    store.tell_started(run)
    store.call_workers(run)

"""The start of new runs, which are stored with their first events and are queued."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from procedures.engine.journal.events import Event, EventKind, NewEvent, RunStatus, chained
from procedures.engine.store import RunRow, Store

if TYPE_CHECKING:
    from procedures.engine.values.files import File


def begin_run(
    store: Store, run: RunRow, *first_events: NewEvent, files: "Sequence[File]" = ()
) -> None:
    """Insert a new queued run with its files and its first events, in the caller's transaction.

    `first_events` are events to add after `run.started`. In a restart, for example, such an event
    records who restarted the original run, and why.
    """
    first, at = NewEvent(EventKind.RUN_STARTED, data=store.beginning(run, files)), store.now
    run_id, key = str(run.pk), store.key
    events = chained([first, *first_events], run_id=run_id, after=0, at=at, head="", key=key)
    insert_queued(store, run, events[-1], files, events=events)


def insert_queued(
    store: Store,
    run: RunRow,
    last: Event,
    files: "Sequence[File]",
    *,
    events: Sequence[Event] = (),
    closed: Sequence[tuple[dict[str, Any], Event, Event]] = (),
) -> None:
    """Insert a new run, and notify the workers and packages such as `chat`.

    `last` is the last event of the run's journal. `events` are those of its events that aren't
    inserted yet. `closed` are the closed waits that a fork takes over.
    """
    # Insert the run together with its last events, which have no foreign key to it, so that its row
    # is written once, with the final head.
    run.status, run.queued_at = RunStatus.QUEUED, store.now
    store.insert_run(run, last, events)
    store.keep_files(run, files)
    store.insert_closed(run, closed)
    store.tell_started(run, files)
    store.call_workers(run)

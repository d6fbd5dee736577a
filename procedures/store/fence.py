"""Storing events in a run's journal, if the claim's epoch and the journal's head still fit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from uuid import UUID

from django.db import DatabaseError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, Event, EventKind
from procedures.engine.values import canonical
from procedures.store import sql
from procedures.store.cursors import Cursor, bare_cursor, end_with, kept_cursor
from procedures.store.prepared import Cell, Rows
from procedures.store.rows import AT_ONCE, BoundStatement, adapted, execute_together, insert_rows
from procedures.store.statements import Statement, with_rows

ONLY_IN_JOURNAL = {
    EventKind.STEP_STARTED,
    EventKind.STEP_SUCCEEDED,
    EventKind.STEP_FAILED,
    EventKind.PATCH,
    EventKind.SEEN,
    EventKind.COMPENSATION,
    EventKind.LOG,
    EventKind.STATE,
    EventKind.STAGE,
    EventKind.PROGRESS,
}
"""Kinds of events that change no row outside the journal."""


class Fence:
    """A check, made whenever events are stored, that the worker still holds its run.

    Each claim has one fence.
    """

    __slots__ = ("epoch", "run")

    def __init__(self, run: str, epoch: int) -> None:
        """Store the run's id, in the database's form of ids, and the epoch of the claim."""
        self.run, self.epoch = run, epoch

    def append_at_once(
        self, database: BaseDatabaseWrapper, events: Sequence[Event], batch: Batch
    ) -> None:
        """Check the fence, move the head and insert the events, all in a transaction of their own.

        This takes one query on PostgreSQL and four on SQLite. Raises `Fenced` if the worker has
        lost the run.
        """
        with database.wrap_database_errors:
            cursor = bare_cursor(database)
            if database.vendor == "postgresql":
                self._append_to_server(cursor, sql.append_event, sql.append_events, events, batch)
                return
            # After a plain BEGIN, SQLite takes the write lock only at the first change, and then
            # fails at once, without its busy timeout, if another writer was faster.
            cursor.execute("BEGIN IMMEDIATE")
            try:
                self._append_to_file(cursor, events, batch)
                cursor.execute("COMMIT")
            # Catch `TimeIsUp` and a worker's stop as well, which aren't an `Exception`: an open
            # transaction would hold the only write lock.
            except BaseException:
                # After some errors, such as a full disk, SQLite rolls back by itself. Another
                # ROLLBACK would raise an error that hides the first one.
                if database.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    def append(self, events: Sequence[Event], batch: Batch) -> None:
        """Check the fence, move the head and insert the events in the open transaction.

        The transaction then holds the lock on the run's row. Raises `Fenced` if the worker has lost
        the run.
        """
        if connection.vendor == "postgresql":
            one, many = sql.append_event_to_locked_run, sql.append_events_to_locked_run
            self._append_to_server(kept_cursor(), one, many, events, batch)
        else:
            self._append_to_file(kept_cursor(), events, batch)

    def _append_to_server(
        self, cursor: Cursor, one: Statement, many: Statement, events: Sequence[Event], batch: Batch
    ) -> None:
        cells, (first, *others) = self._cells(events, batch), events
        # Send one event, the usual step, as single parameters, so that the server needn't parse
        # JSON.
        if others:
            cursor.execute(many.text, [*cells, _as_json(events)])
        else:
            cursor.execute(one.text, [*cells, *first[1:5], first.at.isoformat()])
        if cursor.rowcount == 0:
            raise Fenced(self.run)

    def _append_to_file(self, cursor: Cursor, events: Sequence[Event], batch: Batch) -> None:
        cursor.execute(sql.move_head.text, self._cells(events, batch))
        if cursor.rowcount == 0:
            raise Fenced(self.run)
        _insert_into_file(cursor, self.run, events)

    def _cells(self, events: Sequence[Event], batch: Batch) -> list[Cell]:
        # The head must be at the event before the first of these. So a worker whose commit arrived
        # without an answer can't store its events twice, and a worker that has fallen behind stores
        # nothing.
        last, before = events[-1], events[0].seq - 1
        # The count is multiplied by 0 or 1, so that one statement resets it or leaves it, without
        # reading it first.
        kept = 0 if batch.is_progress else 1  # factor for the claims without progress
        # Epoch 0 fences off every worker, including this one: after its handoff, it writes no more
        # events, not even from a thread that was left behind.
        after = 0 if batch.handoff else self.epoch
        return [last.seq, last.hash, kept, after, self.run, self.epoch, before]


def changes_only_journal(batch: Batch) -> bool:
    """Return True if storing the batch changes no row outside the journal and its head."""
    if batch.files or batch.handoff:
        return False
    # A loop without calls, because each step executes it.
    for draft in batch.events:
        # If the code has read messages, their rows must be marked.
        if draft.kind not in ONLY_IN_JOURNAL or "read" in draft.data:
            return False
    return True


def hold_and_append(
    run_id: UUID,
    events: Sequence[Event],
    parts: Sequence[BoundStatement],
    *,
    then: BoundStatement | None,
) -> Rows | None:
    """Execute the parts of a claim's hold and insert its events; the caller has locked the run.

    The last of the parts moves the head, and selects a row unless the head is elsewhere; then this
    raises an error. With `then`, a query, PostgreSQL gets everything and the COMMIT in one message,
    if possible, and the rows of the query are returned; else returns None.
    """
    if connection.vendor == "postgresql":
        cells = [*chain.from_iterable(cells for _, cells in parts), _as_json(events)]
        found = end_with((sql.hold_and_append.text, cells), then) if then else None
        if found is None:
            kept_cursor().execute(sql.hold_and_append.text, cells)
        return found[1] if found else None
    if not execute_together(*parts).fetchall():
        raise DatabaseError(f"The head of run {run_id} was moved during its claim.")
    _insert_into_file(kept_cursor(), str(adapted(run_id)), events)
    return None


def insert(run_id: UUID, events: Sequence[Event]) -> None:
    """Insert events of a run without moving the run's head; the caller has locked the run."""
    if connection.vendor == "postgresql":
        sql.insert_events.execute(run_id, _as_json(events))
        return
    _insert_into_file(kept_cursor(), str(adapted(run_id)), events)


def insert_with_events(rows: Sequence[models.Model], run_id: UUID, events: Sequence[Event]) -> None:
    """Insert the first events of a new run, and then the rows of the run.

    On PostgreSQL, this takes one query.
    """
    if not events:
        insert_rows(rows)
    elif connection.vendor == "postgresql":
        insert_rows(rows, also=[sql.insert_events.bound(run_id, _as_json(events))])
    else:
        insert(run_id, events)
        insert_rows(rows)


def _insert_into_file(cursor: Cursor, owner: str, events: Sequence[Event]) -> None:
    # SQLite takes at most 32,766 parameters in a statement, and an event has eight.
    for first in range(0, len(events), AT_ONCE):
        part, cells = events[first : first + AT_ONCE], list[Cell]()
        for seq, kind, key, name, data, at, proof in part:
            cells += (owner, seq, kind, key, name, data, _without_zone(at), proof)
        cursor.execute(with_rows(sql.insert_event.text, len(part)), cells)


def _without_zone(at: datetime) -> str:
    """Return a time in UTC as text without a zone, which is how Django stores times in SQLite.

    The zone of the time is not looked up, because that would take longer than everything else here.
    """
    # Compare by identity, because our clocks only use this zone, and `astimezone` takes longer than
    # everything else here.
    return str(at if at.tzinfo is UTC else at.astimezone(UTC))[: -len("+00:00")]


def _as_json(events: Sequence[Event]) -> str:
    """Return the events as JSON, which PostgreSQL parses faster than many parameters."""
    lines = [event._asdict() | {"at": event.at.isoformat()} for event in events]
    return canonical.text_of(lines)

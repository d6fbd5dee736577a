"""The statements that append to a journal: fenced by the run's epoch and its head."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, Event
from procedures.engine.values import canonical
from procedures.models.cells import adapted, parts_of
from procedures.models.cursors import Cell, Cursor, bare_cursor, kept_cursor

MOVED = "UPDATE procedures_head SET seq = %s, hash = %s, claims = claims * %s, epoch = %s"
OWN = "epoch = %s AND seq = %s"
MOVE = MOVED + " WHERE run_id = %s AND " + OWN
HELD = f"WITH held AS ({MOVE} RETURNING run_id, seq, hash)"
LOCKED = (
    f"WITH held AS ({MOVED}"  # noqa: S608 (constants only)
    " FROM (SELECT id FROM procedures_run WHERE id = %s FOR NO KEY UPDATE) AS run"
    f" WHERE run_id = run.id AND {OWN} RETURNING run_id, seq, hash)"
)
COLUMNS = "run_id, seq, kind, key, name, data, at, hash"
INSERTED = f"INSERT INTO procedures_event ({COLUMNS}) SELECT held.run_id"
ONE = f"{INSERTED}, held.seq, %s, %s, %s, %s, %s::timestamptz, held.hash FROM held"
MANY = (
    f"{INSERTED}, line.* FROM held, json_to_recordset(%s) AS line"
    " (seq bigint, kind text, key text, name text, data text, at timestamptz, hash text)"
)
ALONE, INSIDE = (f"{HELD} {ONE}", f"{HELD} {MANY}"), (f"{LOCKED} {ONE}", f"{LOCKED} {MANY}")
"""For one event, and for many: a commit of their own, and a part of one."""


class Fence(NamedTuple):
    """What must still hold of a run for its worker to write."""

    run: str
    """Its id, as the database has it."""
    epoch: int
    seq: int

    def append_at_once(
        self, database: BaseDatabaseWrapper, events: Sequence[Event], batch: Batch
    ) -> None:
        """Fence, head and events in one commit, outside of any transaction.

        One statement on PostgreSQL; on SQLite nothing but the driver stands between its four.
        """
        with database.wrap_database_errors:
            cursor = bare_cursor(database)
            if database.vendor == "postgresql":
                self._append_to_server(cursor, ALONE, events, batch)
                return
            cursor.execute("BEGIN IMMEDIATE")
            try:
                self._append_to_file(cursor, events, batch)
                cursor.execute("COMMIT")
            except BaseException:
                if database.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    def append(self, events: Sequence[Event], batch: Batch) -> None:
        """Fence, head and events inside a transaction, which holds the run's row from here on."""
        if connection.vendor == "postgresql":
            self._append_to_server(kept_cursor(), INSIDE, events, batch)
        else:
            self._append_to_file(kept_cursor(), events, batch)

    def _append_to_server(
        self, cursor: Cursor, how: tuple[str, str], events: Sequence[Event], batch: Batch
    ) -> None:
        (one, many), cells = how, self._cells(events[-1], batch)
        if len(events) == 1:
            cursor.execute(one, [*cells, *events[0][1:-1]])
        else:
            cursor.execute(many, [*cells, _as_json(events)])
        self._check_held(cursor)

    def _append_to_file(self, cursor: Cursor, events: Sequence[Event], batch: Batch) -> None:
        cursor.execute(MOVE, self._cells(events[-1], batch))
        self._check_held(cursor)
        _insert(cursor, self.run, events, as_kept=_without_zone)

    def _cells(self, last: Event, batch: Batch) -> list[Cell]:
        kept = 0 if batch.is_progress else 1  # of the claims in vain
        after = 0 if batch.handoff else self.epoch
        return [last.seq, last.hash, kept, after, self.run, self.epoch, self.seq]

    def _check_held(self, cursor: Cursor) -> None:
        if cursor.rowcount == 0:
            raise Fenced(str(self.run))


def insert(run_id: UUID, events: Sequence[Event]) -> None:
    """The events alone, for the run's writer inside a transaction."""
    _insert(kept_cursor(), str(adapted(run_id)), events, as_kept=adapted)


def _insert(
    cursor: Cursor, owner: str, events: Sequence[Event], *, as_kept: Callable[[datetime], Cell]
) -> None:
    for part in parts_of(events):
        cells: list[Cell] = []
        for seq, kind, key, name, data, at, proof in part:
            cells += (owner, seq, kind, key, name, data, as_kept(at), proof)
        cursor.execute(_insertion(len(part)), cells)


def _without_zone(at: datetime) -> str:
    """As Django keeps a time in SQLite; it asks for the zone each time."""
    return str(at if at.tzinfo is UTC else at.astimezone(UTC))[: -len("+00:00")]


@cache
def _insertion(count: int) -> str:
    row = "(%s, %s, %s, %s, %s, %s, %s, %s)"
    return (
        f"INSERT INTO procedures_event ({COLUMNS}) "  # noqa: S608 (constants only)
        f"VALUES {', '.join([row] * count)}"
    )


def _as_json(events: Sequence[Event]) -> str:
    """Read by the server faster than values one by one, and however many they are."""
    lines = [event._asdict() | {"at": event.at.isoformat()} for event in events]
    return canonical.text_of(lines)

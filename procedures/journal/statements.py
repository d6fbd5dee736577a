"""The statements that append to a journal: fenced by the run's epoch and its head."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from procedures.engine import canonical
from procedures.engine.errors import Fenced
from procedures.engine.journal import Event
from procedures.models.cells import adapted, parts_of
from procedures.models.cursors import Cell, Cursor, bare_cursor, kept_cursor

HOLD = (
    "UPDATE procedures_run SET head_seq = %s, head_hash = %s, claims = claims * %s "
    "WHERE id = %s AND epoch = %s AND head_seq = %s AND status = 'running'"
)
COLUMNS = "run_id, seq, kind, key, name, data, at, hash"
HELD = f"WITH held AS ({HOLD} RETURNING id) INSERT INTO procedures_event ({COLUMNS}) SELECT held.id"
ONE = f"{HELD}, %s::bigint, %s, %s, %s, %s, %s::timestamptz, %s FROM held"
MANY = (
    f"{HELD}, line.* FROM held, json_to_recordset(%s) AS line"
    " (seq bigint, kind text, key text, name text, data text, at timestamptz, hash text)"
)


class Fence(NamedTuple):
    """What must still hold of a run for its worker to write."""

    run_id: UUID
    epoch: int
    seq: int

    def append_at_once(self, events: Sequence[Event], *, is_progress: bool) -> None:
        """Fence, head and events in one commit, outside of any transaction.

        One statement on PostgreSQL; on SQLite nothing but the driver stands between its four.
        """
        with connection.wrap_database_errors:
            cursor = bare_cursor()
            if connection.vendor == "postgresql":
                self._append(cursor, events, is_progress=is_progress)
                return
            cursor.execute("BEGIN IMMEDIATE")
            try:
                self._append(cursor, events, is_progress=is_progress)
                cursor.execute("COMMIT")
            except BaseException:
                if connection.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    def append(self, events: Sequence[Event], *, is_progress: bool) -> None:
        """Fence, head and events inside a transaction."""
        self._append(kept_cursor(), events, is_progress=is_progress)

    def _append(self, cursor: Cursor, events: Sequence[Event], *, is_progress: bool) -> None:
        last, kept = events[-1], 0 if is_progress else 1  # of the claims in vain
        cells: list[Cell] = [last.seq, last.hash, kept, adapted(self.run_id), self.epoch, self.seq]
        if connection.vendor != "postgresql":
            cursor.execute(HOLD, cells)
            self._check_held(cursor)
            insert(self.run_id, events, cursor)
            return
        if len(events) == 1:
            cursor.execute(ONE, [*cells, *last])
        else:
            cursor.execute(MANY, [*cells, _as_json(events)])
        self._check_held(cursor)

    def _check_held(self, cursor: Cursor) -> None:
        if cursor.rowcount == 0:
            raise Fenced(str(self.run_id))


def insert(run_id: UUID, events: Sequence[Event], cursor: Cursor | None = None) -> None:
    """The events alone, for the run's writer inside a transaction."""
    owner, cursor = adapted(run_id), cursor or kept_cursor()
    for part in parts_of(events):
        cells: list[Cell] = []
        for seq, kind, key, name, data, at, proof in part:
            cells += (owner, seq, kind, key, name, data, adapted(at), proof)
        cursor.execute(_insertion(len(part)), cells)


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


def ledger_key() -> bytes:
    return settings.LEDGER_KEY.encode()

"""The statements that append to a journal: fenced by the run's epoch and its head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from procedures.engine.errors import Fenced
from procedures.engine.journal import Event
from procedures.models.cells import Cell, adapted

HEAD = "UPDATE procedures_run SET head_seq = %s, head_hash = %s, claims = claims * %s"
FENCE = "WHERE id = %s AND epoch = %s AND head_seq = %s AND status = 'running'"
COLUMNS = "run_id, seq, kind, key, name, data, at, hash"


@dataclass(frozen=True)
class Fence:
    """What must still hold of a run for its worker to write."""

    run_id: UUID
    epoch: int
    seq: int

    def append_in_one(self, events: Sequence[Event], *, is_progress: bool) -> None:
        """Fence, head and events in one statement and one commit (PostgreSQL)."""
        row = "(%s::bigint, %s, %s, %s, %s, %s::timestamptz, %s)"
        statement = (
            f"WITH held AS ({HEAD} {FENCE} RETURNING id) "  # noqa: S608 (constants only)
            f"INSERT INTO procedures_event ({COLUMNS}) SELECT held.id, line.* FROM held, "
            f"(VALUES {', '.join([row] * len(events))}) AS line"
        )
        self._execute(statement, [*self._cells(events, is_progress=is_progress), *_flat(events)])

    def append(self, events: Sequence[Event], *, is_progress: bool) -> None:
        """Fence, head and events inside a transaction, where it can be in one statement."""
        if connection.vendor == "postgresql":
            self.append_in_one(events, is_progress=is_progress)
            return
        self._execute(f"{HEAD} {FENCE}", self._cells(events, is_progress=is_progress))
        insert(self.run_id, events)

    def _cells(self, events: Sequence[Event], *, is_progress: bool) -> list[Cell]:
        last = events[-1]
        kept = 0 if is_progress else 1  # of the claims in vain
        return [last.seq, last.hash, kept, adapted(self.run_id), self.epoch, self.seq]

    def _execute(self, statement: str, parameters: Sequence[Cell]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            if cursor.rowcount == 0:
                raise Fenced(str(self.run_id))


def insert(run_id: UUID, events: Sequence[Event]) -> None:
    """The events alone, for the run's writer inside a transaction."""
    row = "(%s, %s, %s, %s, %s, %s, %s, %s)"
    statement = (
        f"INSERT INTO procedures_event ({COLUMNS}) "  # noqa: S608 (constants only)
        f"VALUES {', '.join([row] * len(events))}"
    )
    owner = adapted(run_id)
    with connection.cursor() as cursor:
        cursor.execute(statement, [cell for one in events for cell in (owner, *_flat([one]))])


def ledger_key() -> bytes:
    return settings.LEDGER_KEY.encode()


def _flat(events: Sequence[Event]) -> Iterator[Cell]:
    for event in events:
        yield from (event.seq, event.kind, event.key, event.name, event.data)
        yield adapted(event.at)
        yield event.hash

"""The part of the engine's store for the rows of runs and of what was sent to them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.dispatch import Signal as Hook

from procedures import hooks
from procedures.engine.journal.events import (
    Batch,
    Event,
    NewEvent,
    RunStatus,
    chained,
)
from procedures.engine.journal.payloads import notice_parts
from procedures.engine.journal.seals import proven
from procedures.engine.store import Store
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.journal.holding import hold, hold_with
from procedures.journal.kept_journals import KeptJournal
from procedures.journal.lease import LEASE
from procedures.journal.reach import find_named, may_reach
from procedures.journal.storage import tell_regardless
from procedures.models import Artifact, Run, RunInput, Signal, Wait
from procedures.models.clock import clock
from procedures.models.head import Head
from procedures.models.pending_input import PendingInput, pending_inputs, taken
from procedures.models.proofs import ledger_key
from procedures.models.run import RELEASED
from procedures.models.tallies import next_heard
from procedures.models.wait import WaitQuerySet
from procedures.store import sql
from procedures.store.fence import Fence, insert, insert_with_events
from procedures.store.rows import AT_ONCE, adapted, save_columns


class TransactionStore(Store):
    """The part of a store that knows the transaction's time and if receivers can refuse changes."""

    def __init__(
        self,
        at: datetime | None = None,
        *,
        is_forced: bool = False,
        place: object = None,
        head: Head | None = None,
    ) -> None:
        """Set the time of the transaction, and whether receivers can refuse what happens in it.

        With `is_forced`, as for a forced end, receivers can't refuse it. `place` is the place in
        which a new run is started, such as a chat session; the receivers of `run_started` get it.
        `head` is the head of the queued run that is claimed, if it is known.
        """
        self._at, self._is_forced, self._place, self._head = at, is_forced, place, head
        self.journal: KeptJournal | None = None
        """The journal of the run that was claimed, if it was read together with the claim."""

    @property
    def now(self) -> datetime:
        """The time of the transaction, read at the first use; by then, the run is locked."""
        if self._at is None:
            self._at = clock.now()
        return self._at

    lease = LEASE

    @property
    def key(self) -> bytes:
        return ledger_key()

    def save(self, row: models.Model, *names: str) -> None:
        if isinstance(row, Signal):
            row.save_proven(*names)
        else:
            save_columns(row, names)

    def _tell(self, hook: Hook, **facts: Any) -> None:
        if self._is_forced:
            tell_regardless(hook, **facts)
        else:
            hook.send(Run, **facts)


class RunRows(TransactionStore):
    """The part of the engine's store for the rows of runs and of what was sent to them."""

    def beginning(self, run: Run, files: Sequence[File]) -> dict[str, Any]:
        return run.beginning(files)

    def insert_run(self, run: Run, last: Event, events: Sequence[Event] = ()) -> None:
        insert_with_events([run, run.begin(last.seq, last.hash)], run.pk, events)

    def insert_events(self, run: Run, events: Sequence[Event]) -> None:
        insert(run.pk, events)

    def files_of(self, run: Run) -> list[File]:
        return [file.as_file() for file in run.artifacts.order_by("pk")]

    def keep_files(self, run: Run, files: Sequence[File]) -> None:
        """Insert the rows of the run's files; files that have a row already are skipped."""
        if not files:  # the usual case, in which the ORM would begin a transaction for nothing
            return
        given = [Artifact.of(run, file) for file in files]
        # A repeated step stores the same files under the same names. The first row stays, with its
        # seal.
        Artifact.objects.bulk_create(given, ignore_conflicts=True)

    def find_run(self, run_id: UUID) -> Run:
        return Run.objects.get(pk=run_id)

    def find_named(self, run_id: str) -> Run | None:
        return find_named(run_id)

    def may_reach(self, run: Run, other: Run) -> bool:
        return may_reach(run, other)

    def lock_run(self, run_id: UUID) -> Run:
        return Run.objects.lock(run_id)

    def lock_below(
        self, run: Run, keys: Collection[str] | None = None, *, are_closed: bool = False
    ) -> None:
        # SQLite's only write lock already covers all rows, so the query would cost time and lock
        # nothing.
        if connection.features.has_select_for_update:
            waits = run.waits.all() if are_closed else run.waits.open()
            list(_below(waits if keys is None else waits.filter(key__in=keys)))

    def family(self, run: Run) -> list[Run]:
        return list(_below(run.waits.all()))

    def below(self, run: Run) -> list[Run]:
        children = Run.objects.filter(parent_wait__run=run, parent_wait__abandons=False)
        alive = children.unended() | children.ended_above_others()
        return list(alive.select_related("parent_wait").order_by("pk"))

    def lock_journal(self, run: Run) -> None:
        Head.lock(run.pk)

    def revoke_lease(self, run: Run) -> None:
        run.head.revoke_lease()

    def rest(self, run: Run) -> None:
        run.head.park()
        self._tell_of_change(run)

    def release(self, run: Run) -> None:
        run.working_on, run.working_attempt, run.working_since = "", None, None
        is_waiting = run.status == RunStatus.WAITING
        save_columns(run, RELEASED, also=_asking() if is_waiting else "")

    def refresh(self, run: Run) -> None:
        run.refresh_from_db()

    def error_of(self, run: Run) -> Mapping[str, Any]:
        return canonical.plain(run.error) if run.error else {}

    def set_error(self, run: Run, error: Mapping[str, Any] | None) -> None:
        run.error = canonical.text_of(error) if error else ""

    def is_asked_to_stop(self, run: Run) -> bool:
        return run.is_asked_to_stop()

    def events(self, run: Run) -> list[Event]:
        return run.events.filter(seq__gt=run.base_seq).journal()

    def event_parts(self, run: Run, before: int) -> Iterator[list[Event]]:
        """Yield the run's events before the number `before`, in batches that fit into memory."""
        for first in range(run.base_seq + 1, before, AT_ONCE):
            last = min(first + AT_ONCE, before) - 1
            yield run.events.filter(seq__range=(first, last)).journal()

    def has_event(
        self, run: Run, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        found = run.events.filter(seq__gt=after)
        found = found.filter(seq__lt=before) if before else found
        found = found.filter(kind=kind) if kind else found
        return (found.filter(key__startswith=prefix) if prefix else found).exists()

    def write(self, run: Run, batch: Batch) -> list[Event]:
        drafts = proven(batch, run_id=str(run.pk), key=ledger_key())
        events = self._chained(run, drafts)
        # Use the fence although the row is locked: it moves the head in the same statement, and
        # refuses a writer that got here without a claim.
        Fence(str(adapted(run.pk)), run.epoch).append(events, batch)
        run.head.seq, run.head.hash = events[-1].seq, events[-1].hash
        self._tell_of_change(run)
        return events

    def _tell_of_change(self, run: Run) -> None:
        # Notify after the commit: a browser that looked earlier would see the old state, and no
        # second doorbell would ring.
        transaction.on_commit(lambda: hooks.tell_of_change(str(run.pk)))

    def _chained(self, run: Run, drafts: Iterable[NewEvent]) -> list[Event]:
        after, head = run.head_seq, run.head_hash
        run_id, key = str(run.pk), ledger_key()
        return chained(drafts, run_id=run_id, after=after, at=self.now, head=head, key=key)

    def tell_started(self, run: Run, files: Sequence[File]) -> None:
        hooks.run_started.send(Run, run=run, files=files, place=self._place)

    def tell_notice(self, run: Run, content: Mapping[str, Any]) -> None:
        text, level, details = notice_parts(content)
        hooks.notice.send(Run, run=run, text=text, level=level, details=details, at=self.now)

    def tell_read(self, run: Run, ids: Sequence[str]) -> None:
        hooks.messages_read.send(Run, run=run, ids=ids, at=self.now)

    def tell_ended(self, run: Run) -> None:
        self._tell(hooks.run_ended, run=run)

    # Inputs from outside

    def run_key(self, run_id: str) -> UUID:
        return UUID(run_id)

    def put_input(
        self,
        run_id: UUID,
        draft: NewEvent,
        *,
        wait: Wait | None = None,
        at: datetime | None = None,
        is_counted: bool = False,
    ) -> None:
        number = next_heard(run_id) if is_counted else 0
        RunInput.objects.keep(run_id, draft, wait=wait, at=at, number=number)

    def inputs(self, run: Run, kind: str = "") -> list[RunInput]:
        found = RunInput.objects.filter(run=run).untaken().select_related("wait")
        return list(found.filter(kind=kind) if kind else found)

    def pending_inputs(self, run: Run) -> list[PendingInput]:
        return pending_inputs(run.pk)

    def hold(
        self,
        run: Run,
        some: Sequence[PendingInput],
        drafts: Sequence[NewEvent],
        *,
        is_all: bool = False,
    ) -> None:
        if not drafts:
            self.journal = hold(run, is_all=is_all)
            return
        # A worker may be writing at this moment, unless the run was queued.
        run.head = self._head or Head.lock(run.pk)
        events, inputs = self._chained(run, drafts), taken(some, at=self.now)
        self.journal = hold_with(run, events, inputs, is_all=is_all)

    def note_brought(self, _run: Run, some: Sequence[RunInput]) -> None:
        RunInput.objects.note_brought(some, at=self.now)

    def set_aside(self, _run: Run, some: Sequence[RunInput]) -> None:
        RunInput.objects.set_aside(some, at=self.now)

    def ends_of(self, wait: Wait, names: Collection[str] | None = None) -> Iterable[RunInput]:
        ends = wait.child_ends.all()
        return ends if names is None else ends.filter(name__in=list(names))

    def is_called(self, run: Run) -> bool:
        return run.is_called()

    def newest_content(self, run: Run, kind: str, name: str) -> dict[str, Any]:
        newest = RunInput.objects.filter(run=run, kind=kind, name=name).last()
        return newest.content if newest else {}


@cache
def _asking() -> str:
    """Return the SQL assignment that sets `is_asking` when a waiting run is released.

    `is_asking` is True if a question of the run is open and has no answer, not even a held one.
    """
    return sql.written("is_asking")


def _below(waits: WaitQuerySet) -> Iterator[Run]:
    """Lock and yield the runs below these waits, level by level, beginning with the children.

    An ended run is included if runs below it may still continue. Call this before closing any of
    the waits: closing a question locks the chat session of the question, and the lock on a session
    must always be the last one. Otherwise, a child that a worker is executing could cause a
    deadlock: the child's row is locked, and the child may wait for the lock on the same session.
    """
    while True:
        children = Run.objects.filter(parent_wait__in=waits.on_children())
        alive = children.unended() | children.ended_above_others()
        # Lock in the order of the keys, and parents before their children, as everywhere, so that
        # two cancels never wait for each other.
        level = list(alive.locked().defer("inputs", "result").order_by("pk"))
        if not level:
            return
        yield from level
        waits = Wait.objects.filter(run__in=[child.pk for child in level])

"""The engine's journal in the database: one statement per step, fenced by the run's epoch."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from procedures import hooks
from procedures.engine import canonical
from procedures.engine.errors import Fenced, Refused, StorageLost
from procedures.engine.journal import (
    Batch,
    Draft,
    EventKind,
    Release,
    RunFacts,
    RunStatus,
    Working,
    chain,
    closing,
    is_progress,
)
from procedures.engine.journal import Event as JournalEvent
from procedures.models import Artifact, Event, Run, RunInput, Wait
from procedures.models.clock import clock

LEASE = timedelta(seconds=settings.RUN_LEASE_SECONDS)
HEAD = "UPDATE procedures_run SET head_seq = %s, head_hash = %s, claims = %s"
FENCE = "WHERE id = %s AND epoch = %s AND head_seq = %s AND status = 'running'"
COLUMNS = "run_id, seq, kind, key, name, data, at, hash"
PLAIN = {
    EventKind.STEP_SUCCEEDED,
    EventKind.STEP_FAILED,
    EventKind.LOG,
    EventKind.STATE,
    EventKind.STAGE,
    EventKind.PROGRESS,
}
"""Events that nothing but the journal needs to know of."""
Cell = str | int | datetime | UUID
TRY_AGAIN_AFTER = (0.1, 0.5, 1, 2)
"""Seconds; together well below a lease."""


def claim(run_id: UUID) -> "DatabaseJournal | None":
    """Take hold of a run and take in what came from outside, in one transaction.

    None when there is nothing to do, or another worker holds it.
    """
    now = clock.now()
    with transaction.atomic():
        run = Run.objects.claimable(now).select_for_update().filter(pk=run_id).first()
        if run is None:
            return None
        journal = _hold(run, now)
        if run.cancel_requested_at:
            journal.cancel()
            return None
    return journal


def cancel(run: Run, *, now: datetime) -> None:
    """End a locked run that is in no worker's hands, as its writer, in the same transaction."""
    _hold(run, now).cancel()


def _hold(run: Run, now: datetime) -> "DatabaseJournal":
    run.hold(until=now + LEASE)
    journal = DatabaseJournal(run, now=now)
    journal.take_inputs()
    return journal


def begin(run: Run, draft: Draft) -> None:
    """Write a new run's first event, in the transaction that creates it."""
    event = chain(draft, run_id=str(run.pk), seq=1, at=run.created_at, head="", key=_ledger_key())
    run.head_seq, run.head_hash = event.seq, event.hash
    run.save(update_fields=["head_seq", "head_hash"])
    Event.objects.create(run=run, **vars(event))


class DatabaseJournal:
    """One worker's hold on a run."""

    def __init__(self, row: Run, *, now: datetime) -> None:
        self._row = row
        self._epoch = row.epoch
        self._seq, self._head = row.head_seq, row.head_hash
        self._claims = row.claims
        self._origin, self._started = now, time.monotonic()
        self.run = RunFacts(str(row.pk), row.inputs, row.seed, row.claims)
        self.working: Working | None = None
        self.is_cancelled = False
        self.is_queued_again = False
        """Whether something came from outside while the worker let go of the run."""

    def now(self) -> datetime:
        """The database's clock, asked once and carried on from there."""
        return self._origin + timedelta(seconds=time.monotonic() - self._started)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def load(self) -> list[JournalEvent]:
        with _storage():
            return Event.objects.filter(run_id=self._row.pk).journal()

    def commit(self, batch: Batch) -> list[JournalEvent]:
        """Keep the batch in one commit: for plain events on PostgreSQL, in one statement.

        A database that is away for a moment is tried again, over a new connection; a commit whose
        outcome nobody told is read back first.
        """
        events = self._chain(batch.drafts)
        claims = 0 if batch.release or is_progress(batch.drafts) else self._claims
        for pause in (*TRY_AGAIN_AFTER, None):
            try:
                self._write(events, batch, claims)
                break
            except StorageLost:
                if pause is None:
                    raise
                time.sleep(pause)
                if self._is_kept(events[-1]):
                    break
        self._seq, self._head, self._claims = events[-1].seq, events[-1].hash, claims
        hooks.changed.send_robust(Run, run_id=self._row.pk)
        return events

    def _write(self, events: Sequence[JournalEvent], batch: Batch, claims: int) -> None:
        is_plain = connection.vendor == "postgresql" and _is_plain(batch)
        with _storage():
            if is_plain and not connection.in_atomic_block:
                self._append_in_one(events, claims)
                return
            with _durable():
                self._append(events, claims)
                self._take_effect(events, batch)

    def _is_kept(self, event: JournalEvent) -> bool:
        """Whether a commit has arrived although its answer has not."""
        connection.close()
        try:
            with _storage():
                kept = Event.objects.filter(run_id=self._row.pk, seq=event.seq, hash=event.hash)
                return kept.exists()
        except StorageLost:
            return False

    def renew(self) -> bool:
        """Hold the run for another lease, and show what is worked on; False when it is lost."""
        now, working = self.now(), self.working
        held = Run.objects.filter(
            pk=self._row.pk, epoch=self._epoch, status=RunStatus.RUNNING, leased_until__gt=now
        )
        return bool(
            held.update(
                leased_until=now + LEASE,
                working_on=working.step if working else "",
                working_attempt=working.attempt if working else None,
                working_since=working.since if working else None,
            )
        )

    def look_for_cancel(self) -> None:
        """Ask whether somebody wants the run to end, once a second from the heartbeat."""
        self.is_cancelled = self._is_to_end()

    def _is_to_end(self) -> bool:
        asked = Run.objects.filter(pk=self._row.pk, cancel_requested_at__isnull=False)
        return asked.exists()

    def cancel(self) -> None:
        """End the run where it stands, as it was asked for, in the caller's transaction."""
        asked = RunInput.objects.filter(run_id=self._row.pk, name="cancel").last()
        said = canonical.plain(asked.data) if asked else {}
        draft = Draft(EventKind.RUN_CANCELLED, data=said)
        events = self._chain([draft])
        self._append(events, claims=0)
        self._take_effect(events, Batch((draft,), release=Release(RunStatus.CANCELLED)))
        run_id = self._row.pk
        transaction.on_commit(lambda: hooks.changed.send_robust(Run, run_id=run_id))

    def take_inputs(self) -> None:
        """Write what came from outside into the journal, in the claim's transaction."""
        inputs = list(RunInput.objects.filter(run_id=self._row.pk).untaken())
        if not inputs:
            return
        drafts = [
            Draft(EventKind(one.kind), one.key, one.name, canonical.plain(one.data))
            for one in inputs
        ]
        if not self._row.cancel_requested_at:
            drafts.append(Draft(EventKind.RUN_RESUMED))
        events = self._chain(drafts)
        self._append(events, claims=1)
        RunInput.objects.filter(pk__in=[one.pk for one in inputs]).update(taken_at=self.now())
        self._seq, self._head, self._claims = events[-1].seq, events[-1].hash, 1
        self.run = replace(self.run, claims=1)

    def _chain(self, drafts: Sequence[Draft]) -> list[JournalEvent]:
        events: list[JournalEvent] = []
        at, key = self.now(), _ledger_key()
        for seq, draft in enumerate(drafts, start=self._seq + 1):
            head = events[-1].hash if events else self._head
            events.append(chain(draft, run_id=self.run.run_id, seq=seq, at=at, head=head, key=key))
        return events

    def _append_in_one(self, events: Sequence[JournalEvent], claims: int) -> None:
        """Fence, head and events in one statement and one commit (PostgreSQL)."""
        row = "(%s::bigint, %s, %s, %s, %s, %s::timestamptz, %s)"
        statement = (
            f"WITH held AS ({HEAD} {FENCE} RETURNING id) "  # noqa: S608 (constants only)
            f"INSERT INTO procedures_event ({COLUMNS}) SELECT held.id, line.* FROM held, "
            f"(VALUES {', '.join([row] * len(events))}) AS line"
        )
        self._execute(statement, [*self._fence(events, claims), *_flat(events)])

    def _append(self, events: Sequence[JournalEvent], claims: int) -> None:
        """Fence and head, then the events, inside a transaction."""
        self._execute(f"{HEAD} {FENCE}", self._fence(events, claims))
        row = "(%s, %s, %s, %s, %s, %s, %s, %s)"
        statement = (
            f"INSERT INTO procedures_event ({COLUMNS}) "  # noqa: S608 (constants only)
            f"VALUES {', '.join([row] * len(events))}"
        )
        run_id = _adapted(self._row.pk)
        self._execute(statement, [cell for one in events for cell in (run_id, *_flat([one]))])

    def _fence(self, events: Sequence[JournalEvent], claims: int) -> list[Cell]:
        last = events[-1]
        return [last.seq, last.hash, claims, _adapted(self._row.pk), self._epoch, self._seq]

    def _execute(self, statement: str, parameters: Sequence[Cell]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            if cursor.rowcount == 0:
                raise Fenced(self.run.run_id)

    def _take_effect(self, events: Sequence[JournalEvent], batch: Batch) -> None:
        """What the events mean to the rest of the product; the run's row is locked."""
        Artifact.objects.bulk_create(
            [Artifact(run=self._row, **vars(file)) for file in batch.files], ignore_conflicts=True
        )
        if batch.release:
            self._let_go(batch.release)
        with _hooks():
            for event in events:
                self._announce(event)
            if batch.release and batch.release.status.is_end:
                end_run(self._row, at=self.now())

    def _announce(self, event: JournalEvent) -> None:
        if event.kind == EventKind.NOTICE:
            hooks.notice.send(Run, run=self._row, text=event.content["text"])
        elif event.kind == EventKind.WAIT_OPENED:
            content = event.content
            due = content["due_at"]
            wait = Wait.objects.create(
                run=self._row,
                kind=content["wait"],
                key=event.key,
                opened_seq=event.seq,
                due_at=datetime.fromisoformat(due) if due else None,
            )
            if wait.kind == Wait.Kind.REQUEST and not hooks.wait_opened.has_listeners():
                raise Refused("A question was asked, but nothing here shows it to people.")
            hooks.wait_opened.send(Run, run=self._row, wait=wait, content=content)

    def _let_go(self, release: Release) -> None:
        status = release.status
        has_inputs = RunInput.objects.filter(run_id=self._row.pk).untaken().exists()
        is_called = status == RunStatus.WAITING and has_inputs
        if is_called or (not status.is_end and self._is_to_end()):
            status, self.is_queued_again = RunStatus.QUEUED, True
        self._row.let_go(
            status,
            at=self.now(),
            wake_at=release.wake_at,
            result=release.result,
            error=canonical.text_of(release.error) if release.error else "",
        )


def end_run(run: Run, *, at: datetime) -> None:
    """Close what an ended run still waits for, in the commit of its end."""
    for wait in run.waits.open():
        close_wait(wait, closing("withdrawn", responder="system: run ended"), at=at)
    hooks.run_ended.send(Run, run=run)


def close_wait(wait: Wait, content: dict[str, object], *, at: datetime) -> None:
    wait.close(str(content["outcome"]), at=at)
    hooks.wait_closed.send(Run, run=wait.run, wait=wait, content=content)


def _is_plain(batch: Batch) -> bool:
    is_quiet = all(draft.kind in PLAIN for draft in batch.drafts)
    return is_quiet and not batch.files and not batch.release


def _flat(events: Sequence[JournalEvent]) -> Iterator[Cell]:
    for event in events:
        yield from (event.seq, event.kind, event.key, event.name, event.data)
        yield _adapted(event.at)
        yield event.hash


def _adapted(value: UUID | datetime) -> Cell:
    """As Django writes it into this database."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value) or ""
    return value if connection.features.has_native_uuid_field else value.hex


def _ledger_key() -> bytes:
    return settings.LEDGER_KEY.encode()


@contextmanager
def _durable() -> Iterator[None]:
    """A transaction of its own; what stands inside somebody else's would not be kept."""
    if connection.in_atomic_block and not getattr(
        connection.atomic_blocks[-1], "_from_testcase", 0
    ):
        raise Refused(
            "Inside transaction.atomic() nothing can be kept: call steps and ask outside of it."
        )
    with transaction.atomic():
        yield


@contextmanager
def _storage() -> Iterator[None]:
    """A database that is away or busy ends this worker's hold; anything else is refused."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StorageLost(str(error)) from error
    except DatabaseError as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


@contextmanager
def _hooks() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error

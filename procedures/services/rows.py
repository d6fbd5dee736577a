"""Verification of a run's rows and files against its journal."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from procedures.engine.errors import FileGoneError
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.journal.large import ELSEWHERE, place_of
from procedures.engine.journal.seals import PROOF, differing
from procedures.engine.lifecycle.sets import DETACHED_KINDS
from procedures.engine.lifecycle.waits import is_abandoned
from procedures.engine.values import canonical
from procedures.files import ContentStore
from procedures.models import Artifact, Event, Run, RunInput, Signal, Wait
from procedures.models.proofs import ledger_keys
from procedures.services.differences import (
    Difference,
    compared,
    gone,
    row_name,
    run_proof_differences,
)
from procedures.services.missing import missing_rows
from procedures.services.record import Record, RecordedWait

STATUS_AFTER = {
    EventKind.RUN_SUCCEEDED: RunStatus.SUCCEEDED,
    EventKind.RUN_FAILED: RunStatus.FAILED,
    EventKind.RUN_CANCELLED: RunStatus.CANCELLED,
    EventKind.RUN_QUARANTINED: RunStatus.QUARANTINED,
}
CHILD = "system: child"
DIGEST = re.compile("[0-9a-f]{64}")
NAMES = {"origin_id": "origin", "parent_wait_id": "parent_wait", "started_by_id": "started_by"}


def row_differences(record: Record, older: list[str]) -> Iterator[Difference]:
    run = record.run
    yield from run_differences(record, older)
    yield from wait_differences(record)
    for rows in (run.artifacts.all(), run.run_inputs.all(), run.signals.all()):
        yield from run_proof_differences(rows.order_by("pk").iterator(), record, older)
    yield from taken_differences(record)
    yield from signal_differences(record)
    yield from file_differences(run)
    yield from missing_rows(record, older)


def run_differences(record: Record, older: list[str]) -> Iterator[Difference]:
    run, name = record.run, row_name(record.run)
    if record.is_covered:
        kept = record.started[PROOF]
        names = differing(run.facts(), kept, owner=str(run.pk), keys=ledger_keys())
        yield from (Difference(name, NAMES.get(one, one)) for one in names)
        if run.version.procedure_id != run.procedure_id:
            yield Difference(name, "version", "its version belongs to another procedure")
    else:
        older.append(f"{name}: its inputs, starter and origin")
    yield from _end_differences(record, older)
    expected = {"base_seq": max(record.continued_at - 1, 0)}
    expected["carried_seq"] = max(record.forked_at - 1, 0)
    yield from compared(run, expected)
    if record.is_covered:
        yield from _moment_differences(record)


def _end_differences(record: Record, older: list[str]) -> Iterator[Difference]:
    run, name, end = record.run, row_name(record.run), record.end
    if end is None or not record.is_over:
        yield from compared(run, {"result": None, "ended_at": None})
        if end is None:
            yield from compared(run, {"error": ""})
        yield from _status_differences(record)
        return
    has_ended = end.kind != EventKind.RUN_QUARANTINED
    yield from compared(run, {"status": STATUS_AFTER[EventKind(end.kind)]})
    if PROOF not in end.content:
        older.append(f"{name}: its result")
        return
    facts = {"result": run.result, "error": run.error}
    names = differing(facts, end.content[PROOF], owner=str(run.pk), keys=ledger_keys())
    yield from (Difference(name, one) for one in names)
    yield from compared(run, {"ended_at": end.at if has_ended else None})


def _status_differences(record: Record) -> Iterator[Difference]:
    """Yield a difference if an open run's status contradicts its queue time, lease or pause."""
    run = record.run
    waits = {opening.key for opening in record.waits.values()}
    is_retry = waits.isdisjoint(record.suspended_on)
    fitting = {
        RunStatus.QUEUED: run.queued_at,
        RunStatus.RUNNING: run.leased_until,
        RunStatus.PAUSED: run.paused_as,
        RunStatus.WAITING: not run.pause_requested_at and not (run.wake_at and is_retry),
        RunStatus.RETRYING: not run.pause_requested_at and run.wake_at and is_retry,
    }
    held_as = {RunStatus.QUEUED: run.queued_at, RunStatus.RUNNING: run.leased_until}
    is_odd = any(held for one, held in held_as.items() if one != run.status)
    if is_odd or not (run.status in fitting and fitting[RunStatus(run.status)]):
        yield Difference(row_name(run), "status")


def _moment_differences(record: Record) -> Iterator[Difference]:
    """Yield a difference if no cancel or pause was journaled at the time in the row."""
    run, asked = record.run, record.asked
    ends = asked.get("cancel", set()) | asked.get("force_end", set())
    is_ended = run.status == RunStatus.CANCELLED
    if not _is_one_of(run.cancel_requested_at, ends, is_needed=is_ended):
        yield Difference(row_name(run), "cancel_requested_at")
    is_paused = run.status == RunStatus.PAUSED
    if not _is_one_of(run.pause_requested_at, asked.get("pause", set()), is_needed=is_paused):
        yield Difference(row_name(run), "pause_requested_at")


def _is_one_of(at: datetime | None, known: set[datetime], *, is_needed: bool) -> bool:
    return not is_needed if at is None else at in known


def wait_differences(record: Record) -> Iterator[Difference]:
    left = {seq: one for seq, one in record.waits.items() if seq > record.forked_at}
    for wait in record.run.waits.order_by("opened_seq").iterator():
        opening = record.waits.get(wait.opened_seq)
        if opening is None:
            yield Difference(row_name(wait), "opened_seq")
            continue
        left.pop(wait.opened_seq, None)
        yield from compared(wait, _opened_as(opening))
        yield from _closing_differences(record, wait, opening)
        yield from _held_differences(wait)
    for opening in left.values():
        yield gone(f"Wait {opening.key} of event {opening.seq}", "run")


def _opened_as(opening: RecordedWait) -> dict[str, Any]:
    content, due = opening.content, opening.content["due_at"]
    return {
        "kind": content["wait"],
        "key": opening.key,
        "due_at": datetime.fromisoformat(due) if due else None,
        "signal": content.get("signal", ""),
        "need": content.get("need"),
        "abandons": is_abandoned(content),
    }


def _closing_differences(record: Record, wait: Wait, opening: RecordedWait) -> Iterator[Difference]:
    if opening.closed is not None:
        expected = {"outcome": opening.closed["outcome"]}
        yield from compared(wait, expected)
        if wait.closed_at is None or (opening.closed_at or wait.closed_at) != wait.closed_at:
            yield Difference(row_name(wait), "closed_at")
        return
    yield from compared(wait, {"outcome": "withdrawn" if wait.closed_at else ""})
    is_odd = wait.closed_at and not (wait.outcome and _is_an_end(record, wait))
    if is_odd and record.is_covered:
        yield Difference(row_name(wait), "closed_at")


def _held_differences(wait: Wait) -> Iterator[Difference]:
    """Yield a difference for each field about a held answer that the wait's state doesn't allow."""
    is_held = wait.is_open and wait.held and wait.held_at and wait.effective_at
    if not is_held:
        yield from compared(wait, {"held": "", "held_at": None, "effective_at": None})
    is_behind_one = wait.is_open and wait.held_for is not None and wait.held_for.held
    if wait.held_for_id and not is_behind_one:
        yield Difference(row_name(wait), "held_for")


def _is_an_end(record: Record, wait: Wait) -> bool:
    """Return True if the end of the run, or of an ancestor, may have closed the wait."""
    return wait.closed_at in record.ends or wait.kind in DETACHED_KINDS


def taken_differences(record: Record) -> Iterator[Difference]:
    """Yield a difference for each `RunInput` whose `taken_at` isn't the time of its event."""
    if not record.is_covered:
        known = (EventKind.WAIT_CLOSED, EventKind.OPERATOR)
        for one in RunInput.objects.filter(run=record.run, kind__in=known).iterator():
            place = (one.kind, one.key, one.name, one.taken_at)
            if one.taken_at and place not in record.written:
                yield Difference(row_name(one), "taken_at")
    ends = RunInput.objects.filter(run=record.run, wait__kind=Wait.Kind.CHILD).child_ends()
    for end in ends.select_related("wait").order_by("pk"):
        opening = record.waits.get(end.wait.opened_seq) if end.wait else None
        is_its = bool(opening and opening.closed and opening.closed["responder"] == CHILD)
        is_only = is_its and ends.filter(wait=end.wait).count() == 1
        if opening and is_only and opening.closed_at not in (None, end.taken_at):
            yield Difference(row_name(end), "taken_at")


def signal_differences(record: Record) -> Iterator[Difference]:
    """Yield a difference for a signal that closed a wait but whose row doesn't name this wait."""
    signals = Signal.objects.filter(run=record.run)
    taken = {(one.name, one.signal_id): one for one in signals}
    for wait in record.run.waits.filter(kind=Wait.Kind.SIGNAL).order_by("pk"):
        opening = record.waits.get(wait.opened_seq)
        named = (opening.closed or {}).get("signal_id") if opening else None
        found = taken.get((wait.signal, named)) if named else None
        if named and not (found and (found.skipped or found.wait_id == wait.pk)):
            yield gone(f"Signal {named}", "wait")


def file_differences(run: Run) -> Iterator[Difference]:
    """Yield a difference for each damaged or missing file that the run's rows and events name."""
    yield from missing_contents(_stored(run))


def missing_contents(stored: Iterable[tuple[str, str]]) -> Iterator[Difference]:
    """Yield a difference for each file whose content is damaged or missing in the file store.

    `stored` yields pairs: the words for the file ("File receipt.pdf"), and the digest of its
    content.
    """
    store, seen = ContentStore(), set[str]()
    for what, digest in stored:
        if digest not in seen:
            seen.add(digest)
            if not (DIGEST.fullmatch(digest) and _is_kept(store, digest)):
                yield Difference(
                    what, "content", "its content is damaged, or missing in the file store"
                )


def _is_kept(store: ContentStore, digest: str) -> bool:
    try:
        store.get(digest)
    except FileGoneError:
        return False
    return True


def _stored(run: Run) -> Iterator[tuple[str, str]]:
    for file in Artifact.objects.filter(run=run).order_by("pk"):
        yield f"File {file.name}", file.digest
    for name in ("inputs", "result"):
        if place := place_of(getattr(run, name)):
            yield f"{row_name(run)}: {name}", place.digest
    large: Any = Event.objects.filter(run=run, data__contains=ELSEWHERE).order_by("seq")
    for event in large.iterator():
        for name, digest in canonical.plain(event.data).items():
            if name.endswith(ELSEWHERE):
                yield f"Event {event.seq}", str(digest)

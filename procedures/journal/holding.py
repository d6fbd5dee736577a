"""The statements by which a claim becomes the only writer of a run's journal."""

from collections.abc import Sequence
from typing import Any

from procedures.engine.journal.events import Event
from procedures.journal.kept_journals import KeptJournal, Place, kept_journals
from procedures.models import Run
from procedures.models.event import journal_in
from procedures.models.head import Head
from procedures.store import sql
from procedures.store.cursors import end_with
from procedures.store.fence import hold_and_append
from procedures.store.prepared import Rows
from procedures.store.rows import BoundStatement, execute_together, together

READ_WITH_CLAIM = 2000
"""The number of events from which on a journal isn't read together with the claim of its run.

A longer journal is read when the worker's lease is being renewed, however long that takes.
"""


def hold(run: Run, *, is_all: bool) -> KeptJournal | None:
    """Store the fields of a claimed run, and set the epoch of its claim in the head.

    From then on, the workers of earlier claims can't write into the journal. With `is_all`,
    PostgreSQL commits in the same message and returns the journal, if possible and if the journal
    is shorter than `READ_WITH_CLAIM`; else returns None.
    """
    parts = (_row_of(run), sql.hold_head.bound(run.epoch, run.pk))
    done = end_with(together(*parts), _journal_after(run, run.base_seq)) if is_all else None
    heads: list[Any] = done[0] if done else execute_together(*parts).fetchall()
    for cells in heads:
        run.head = Head(*cells)
        return _whole(run, done[1]) if done else None
    raise Head.DoesNotExist(f"The record of the last event of run {run.pk} is missing.")


def hold_with(
    run: Run, events: Sequence[Event], inputs: BoundStatement, *, is_all: bool
) -> KeptJournal | None:
    """Do the same for a claim that appends events, which were made from a run's inputs.

    `run.head` is the head before these events, and `inputs` the UPDATE that marks the inputs. If
    this process has kept the journal up to that head, the journal isn't read.
    """
    head, last = run.head, events[-1]
    before = Place(run.base_seq, head.seq, head.hash)
    # Whatever the claim does with it, this process doesn't need its copy any more.
    kept = kept_journals.take(str(run.pk), before)
    place = (run.epoch, last.seq, last.hash, run.pk, head.seq, head.hash)
    parts = (_row_of(run), inputs, sql.hold_and_move_head.bound(*place))
    rest = _journal_after(run, head.seq if kept else run.base_seq)
    done = hold_and_append(run.pk, events, parts, then=rest if is_all else None)
    # The events are progress, so this claim is the first one without further progress.
    head.epoch, head.claims, head.seq, head.hash = run.epoch, 1, last.seq, last.hash
    if kept:
        kept.events += events
        return kept
    return None if done is None else _whole(run, done)


def _row_of(run: Run) -> BoundStatement:
    until, reached = run.leased_until, run.reached_at
    return sql.hold_run.bound(
        run.status, until, run.epoch, run.wake_at, run.queued_at, reached, run.pk
    )


def _journal_after(run: Run, seq: int) -> BoundStatement:
    return sql.journal_since.bound(run.pk, seq, READ_WITH_CLAIM)


def _whole(run: Run, rows: Rows) -> KeptJournal | None:
    """Return the journal that begins with these rows, or None if more rows may follow.

    The others aren't read here: nothing renews the lease yet, and the claim is committed.
    """
    is_whole = len(rows) < READ_WITH_CLAIM
    return KeptJournal(run.base_seq, journal_in(rows)) if is_whole else None

"""The journals of all runs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from sys import intern
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast

from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.journal.large import DEPTH, ELSEWHERE
from procedures.models.ids import PlainAutoField
from procedures.models.run import Run
from procedures.store import sql

Part = Sequence[tuple[Any, ...]]
COLUMNS = ("seq", "kind", "key", "name", "data", "moment", "hash")
SHOWN = ("stage", "state", "progress")
"""Kinds of events that pages look up for a run; an index keeps this fast in long journals."""
TOLD = ("operator", "step.failed", "run.cancelled")
"""Kinds of events that lists of runs show; an index finds them without reading whole journals."""
NAMES_CONTENTS = Q(data__contains=f'{ELSEWHERE}"') | Q(data__contains=DEPTH.format("") + '"')
"""A condition for rows of `Event` and `RunInput` that name stored contents instead of large values.

An index finds them without reading all journals, if the condition is `Inlined`.
"""
NEW = tuple.__new__
READ_AT_ONCE = 5000
"""The maximum number of rows per query: few enough for memory, enough for most journals."""


AS_TEXT = Cast("at", models.TextField())
"""The time of an event as text, because drivers take longer to parse a time than to read a row."""


class EventQuerySet(models.QuerySet["Event"]):
    def journal(self) -> list[JournalEvent]:
        """Return the events of one run in order, as events of the engine."""
        return list(self.streamed())

    def streamed(self) -> Iterator[JournalEvent]:
        """Yield the events of one run in order, with only some of them in memory at a time."""
        rows = self.order_by("seq").annotate(moment=AS_TEXT).values_list(*COLUMNS)
        # The events are read by key. Behind a pooler, or outside a transaction, a server-side
        # cursor ends with its statement.
        parts = _parts(lambda after: list(rows.filter(seq__gt=after)[:READ_AT_ONCE]), 0)
        return (event for part in parts for event in map(_as_read, part))

    def by_run(self) -> dict[UUID, list[JournalEvent]]:
        """Return the events of each run in order, as events of the engine, by one query."""
        found = defaultdict[UUID, list[JournalEvent]](list)
        rows = self.order_by("run", "seq").annotate(moment=AS_TEXT)
        for run, *cells in rows.values_list("run", *COLUMNS):
            found[run].append(_as_read(tuple(cells)))
        return found


class Event(models.Model):
    """An event in the append-only journal of a run.

    Only the run's current worker inserts events.
    """

    id = PlainAutoField(primary_key=True)
    run = models.ForeignKey(
        Run, models.CASCADE, db_index=False, db_constraint=False, related_name="events"
    )
    """The run, without a foreign key constraint in the database.

    Code that inserts an event has just read the run or its head, so a constraint would check the
    run a second time.
    """
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True)
    data = models.TextField()
    at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["run", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["run", "seq"], name="countersign_one_event_per_seq")
        ]
        indexes = [
            models.Index(
                fields=["run", "seq"], condition=Q(kind__in=SHOWN), name="countersign_shown_events"
            ),
            models.Index(
                fields=["run", "seq"], condition=Q(kind__in=TOLD), name="countersign_told_events"
            ),
            models.Index(
                fields=["id"], condition=NAMES_CONTENTS, name="countersign_events_with_files"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.name}"

    @property
    def content(self) -> dict[str, Any]:
        return self.as_journal_event().content

    def as_journal_event(self) -> JournalEvent:
        return JournalEvent(self.seq, self.kind, self.key, self.name, self.data, self.at, self.hash)


def journal_since(run_id: UUID, after: int) -> list[JournalEvent]:
    """Return a run's events after the number `after`, without their hashes."""
    parts = _parts(lambda last: sql.journal_since.fetch(run_id, last, READ_AT_ONCE), after)
    return [event for part in parts for event in map(_as_read, part)]


def journal_in(rows: Part) -> list[JournalEvent]:
    """Return rows that were selected for a journal as events of the engine."""
    return [*map(_as_read, rows)]


def _parts(following: Callable[[int], Part], after: int) -> Iterator[Part]:
    part = following(after)
    while part:
        yield part
        # A part that isn't full is the last one, so most journals take one query. Events that are
        # written meanwhile are left to the next reader.
        part = following(part[-1][0]) if len(part) == READ_AT_ONCE else ()


def _as_read(row: tuple[Any, ...]) -> JournalEvent:
    """Return a row as an event of the engine; equal strings in several events share one object."""
    seq, kind, key, name, data, moment, mark = row
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:  # SQLite stores it like this; `replace` would take five times as long
        at = datetime.fromisoformat(f"{moment}+00:00")
    same = key if name == key else name
    # This bypasses the named tuple's `__new__`, which is a Python function, because a long journal
    # has many events.
    return NEW(JournalEvent, (seq, intern(kind), key, same, data, at, mark))

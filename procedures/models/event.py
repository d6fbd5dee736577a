"""The journals of all runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from sys import intern
from typing import Any

from django.db import models
from django.db.models.functions import Cast

from procedures.engine.journal import Event as JournalEvent
from procedures.models.run import Run

COLUMNS = ("seq", "kind", "key", "name", "data", "moment", "hash")
READ_AT_ONCE = 5000
"""Rows: what is held of them besides the events is small, and a short journal is one query."""


class EventQuerySet(models.QuerySet["Event"]):
    def journal(self) -> list[JournalEvent]:
        """The events of one run as the engine reads them, in order."""
        return list(self.streamed())

    def streamed(self) -> Iterator[JournalEvent]:
        """The same, without holding more than a part of them."""
        as_text = Cast(
            "at", models.TextField()
        )  # a driver takes longer over a time than over a row
        rows = self.order_by("seq").annotate(moment=as_text).values_list(*COLUMNS)
        part = list(rows[:READ_AT_ONCE])
        while part:
            for row in part:
                yield _as_read(*row)
            following = rows.filter(seq__gt=part[-1][0])
            part = list(following[:READ_AT_ONCE]) if len(part) == READ_AT_ONCE else []


class Event(models.Model):
    """One line of a run's append-only journal. Written by the run's worker alone."""

    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="events")
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
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="one_event_per_seq")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.name}"

    @property
    def content(self) -> dict[str, Any]:
        return self.as_journal_event().content

    def as_journal_event(self) -> JournalEvent:
        return JournalEvent(self.seq, self.kind, self.key, self.name, self.data, self.at, self.hash)


def _as_read(*row: Any) -> JournalEvent:
    """What many events share is held once."""
    seq, kind, key, name, data, moment, mark = row
    at = datetime.fromisoformat(moment)
    is_plain = at.tzinfo is None  # as SQLite keeps it
    same = key if name == key else name
    return JournalEvent(
        seq, intern(kind), key, same, data, at.replace(tzinfo=UTC) if is_plain else at, mark
    )

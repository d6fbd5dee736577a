"""The journals of all runs."""

from collections.abc import Iterator
from typing import Any

from django.db import models

from procedures.engine.journal import Event as JournalEvent
from procedures.models.run import Run

FIELDS = ("seq", "kind", "key", "name", "data", "at", "hash")
READ_AT_ONCE = 2000


class EventQuerySet(models.QuerySet["Event"]):
    def journal(self) -> list[JournalEvent]:
        """The events as the engine reads them, in order, with one query."""
        return [JournalEvent(*row) for row in self.order_by("seq").values_list(*FIELDS)]

    def streamed(self) -> Iterator[JournalEvent]:
        """The same, without holding more than a part of them."""
        rows = self.order_by("seq").values_list(*FIELDS)
        return (JournalEvent(*row) for row in rows.iterator(READ_AT_ONCE))


class Event(models.Model):
    """One line of a run's append-only journal. Written by the run's worker alone."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
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

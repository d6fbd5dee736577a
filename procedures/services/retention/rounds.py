"""The daily round that removes old records, in turns that leave the worker free for runs."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F

from procedures.engine.errors import FileStoreError
from procedures.engine.values import canonical
from procedures.models import Act, RemovalRound, Run
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.models.retention import days_by_procedure
from procedures.services.passes import serve_one
from procedures.services.retention.contents import delete_unused
from procedures.services.retention.families import candidates, families_of
from procedures.services.retention.reasons import reasons_to_keep
from procedures.services.retention.removal import remove_family

EVERY = timedelta(days=1)
TURN_SECONDS = 60.0
MOST_AT_ONCE = 100
REMOVER = "system: retention"


class Place(NamedTuple):
    """The place that a round has reached: a procedure, and the last run that was looked at."""

    procedure: int = 0
    at: datetime | None = None
    run: UUID | None = None

    @classmethod
    def read(cls, text: str) -> "Place":
        if not text:
            return cls()
        procedure, at, run = canonical.plain(text)
        return cls(int(procedure), datetime.fromisoformat(at), UUID(run))

    def as_text(self) -> str:
        assert self.at
        return canonical.text_of([self.procedure, self.at.isoformat(), str(self.run)])

    @property
    def after(self) -> tuple[datetime, UUID] | None:
        return (self.at, self.run) if self.at and self.run else None


def remove_old_runs(*, seconds: float = TURN_SECONDS) -> bool:
    """Continue the round of today, or begin it if there is none; return True if more is left.

    Stops after about `seconds`. Two calls at once, or a call after another one has died, are
    harmless: each family is removed once.
    """
    end = time.monotonic() + seconds
    if (found := _open_round()) is None:
        return False
    for place, runs in _batches(found):
        removed, kept = _remove_some(runs)
        RemovalRound.objects.filter(pk=found.pk).update(
            place=place.as_text(), removed=F("removed") + removed, kept=F("kept") + kept
        )
        if time.monotonic() >= end:
            return True
    _close(found.pk)
    # If the file store fails, the next round deletes what is left.
    with suppress(FileStoreError):  # which is logged
        while delete_unused():
            pass
    return False


@transaction.atomic
def _open_round() -> RemovalRound | None:
    """Return the unfinished round; if there is none and a new one is due, begin it."""
    latest, now = RemovalRound.latest(), clock.now()
    if latest is None or (latest.ended_at and latest.began_at <= now - EVERY):
        return RemovalRound.objects.create(began_at=now)
    return None if latest.ended_at else latest


def _batches(found: RemovalRound) -> Iterator[tuple[Place, list[UUID]]]:
    """Yield ids of runs that are old enough, and the place after them, from the round's place on.

    Only runs that were old enough when the round began are yielded, by steps in an index.
    """
    place = Place.read(found.place)
    for procedure, days in sorted(days_by_procedure().items()):
        if procedure < place.procedure:
            continue
        if procedure > place.procedure:
            place = Place(procedure)
        limit = found.began_at - timedelta(days=days)
        while rows := _next_runs(place, limit):
            place = Place(procedure, *rows[-1])
            yield place, [run for _, run in rows]


def _next_runs(place: Place, limit: datetime) -> list[tuple[datetime, UUID]]:
    rows = Run.objects.filter(candidates(place.procedure, limit, after=place.after))
    found = rows.order_by("ended_at", "pk").values_list("ended_at", "pk")[:MOST_AT_ONCE]
    return [(at, run) for at, run in found if at]


def _remove_some(runs: list[UUID]) -> tuple[int, int]:
    """Remove the families of these runs; return the numbers of removed and of kept runs.

    A family that another transaction keeps locked is left to the next round.
    """
    families = families_of(runs)
    reasons = reasons_to_keep(families, clock.now(), days_by_procedure())
    removed, wanted = 0, set(runs)
    kept = sum(len(wanted & one.members.keys()) for one in families if one.key in reasons)
    for one in families:
        if one.key not in reasons:
            serve_one(one.key, remove := _Remover(), name="The removal of run")
            removed += remove.count
    return removed, kept


class _Remover:
    """A call of `remove_family` that remembers how many runs it has removed."""

    count = 0

    def __call__(self, run: UUID) -> None:
        self.count, _ = remove_family(run)


@transaction.atomic
def _close(pk: int) -> None:
    """End a round, and record in the log what it has removed, unless it was nothing."""
    unended = RemovalRound.objects.filter(pk=pk, ended_at=None)
    # The place is forgotten, because it names a run.
    if not unended.update(ended_at=clock.now(), place=""):
        return  # another process has ended it
    found = RemovalRound.objects.get(pk=pk)
    if found.removed:
        words = f"The records of {found.removed} runs were removed after their retention."
        if found.kept:
            words += f" {found.kept} runs were old enough, but had to be kept."
        log_act(Act.Kind.REMOVAL, words, by=REMOVER)

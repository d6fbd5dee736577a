"""The daily round that removes old records, in turns that leave the worker free for runs."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db.models import F

from procedures.engine.errors import FileStoreError
from procedures.engine.values import canonical
from procedures.models import Act, RemovalRound
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.models.retention import days_by_procedure
from procedures.services.passes import serve_one
from procedures.services.retention.contents import delete_unused
from procedures.services.retention.families import batches_of_candidates
from procedures.services.retention.reasons import reasons_to_keep
from procedures.services.retention.removal import lock_holds, remove_family
from procedures.services.retention.rings import families_of
from procedures.transactions import service_atomic

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
    harmless: each family is removed once. Of several calls at once, one continues the round, and
    the others return False.
    """
    end = time.monotonic() + seconds
    if (found := _open_round()) is None:
        return False
    for place, runs in _batches(found):
        kept = _remove_some(found.pk, runs)
        # The clock sends a message every few minutes, however long a round takes. If the worker of
        # each message continued, more and more workers would be busy with the round.
        if not found.move(place.as_text(), kept=kept):
            return False
        if time.monotonic() >= end:
            return True
    _close(found.pk)
    # If the file store fails, the next round deletes what is left.
    with suppress(FileStoreError):  # which is logged
        while delete_unused():
            pass
    return False


@service_atomic
def _open_round() -> RemovalRound | None:
    """Return the unfinished round; if there is none and a new one is due, begin it."""
    now = clock.now()
    if _is_over(latest := RemovalRound.latest(), now):
        lock_holds()  # so that two processes don't begin a round each
        if _is_over(latest := RemovalRound.latest(), now):
            return RemovalRound.objects.create(began_at=now)
    return None if latest and latest.ended_at else latest


def _is_over(latest: RemovalRound | None, now: datetime) -> bool:
    return latest is None or bool(latest.ended_at and latest.began_at <= now - EVERY)


def _batches(found: RemovalRound) -> Iterator[tuple[Place, list[UUID]]]:
    """Yield batches of runs from the round's place on, each as a pair.

    A pair holds the place after the batch, from which a later call continues, and the ids of its
    runs. They are runs without a parent that were old enough when the round began. Each batch is
    read with the help of an index.
    """
    begin = Place.read(found.place)
    for procedure, days in sorted(days_by_procedure().items()):
        if procedure < begin.procedure:
            continue
        after = begin.after if procedure == begin.procedure else None
        limit = found.began_at - timedelta(days=days)
        for rows in batches_of_candidates(procedure, limit, size=MOST_AT_ONCE, after=after):
            yield Place(procedure, *rows[-1]), [run for _, run in rows]


def _remove_some(round_id: int, runs: list[UUID]) -> int:
    """Remove the families of these runs; return how many of the runs must be kept.

    A family that another transaction keeps locked is left to the next round.
    """
    families = families_of(runs)
    reasons = reasons_to_keep(families, clock.now(), days_by_procedure())
    for one in families:
        if one.key not in reasons:
            serve_one(one.key, partial(_remove, round_id), name=f"The removal of run {one.key}")
    wanted = set(runs)
    return sum(len(wanted & one.members.keys()) for one in families if one.key in reasons)


def _remove(round_id: int, run: UUID) -> None:
    """Remove the family of a run, and count its runs in the same transaction."""
    count, _ = remove_family(run)
    if count:
        RemovalRound.objects.filter(pk=round_id).update(removed=F("removed") + count)


@service_atomic
def _close(pk: int) -> None:
    """End a round, and record in the log what it has removed, unless it was nothing."""
    unended = RemovalRound.objects.filter(pk=pk, ended_at=None)
    # The place is forgotten, because it names a run.
    if not unended.update(ended_at=clock.now(), place=""):
        return  # another process has ended it
    found = RemovalRound.objects.get(pk=pk)
    if found.removed:
        log_act(Act.Kind.REMOVAL, _sentence(found.removed, found.kept), by=REMOVER)


def _sentence(removed: int, kept: int) -> str:
    words = f"The records of {removed} runs were removed after their retention period."
    if removed == 1:
        words = "The record of 1 run was removed after its retention period."
    if kept:
        runs = "1 run was" if kept == 1 else f"{kept} runs were"
        words += f" {runs} old enough, but had to be kept."
    return words

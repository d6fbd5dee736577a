"""The state that a verification keeps, so that the next one notices what is gone altogether.

Counts and chains find a missing part. Nothing is missing in a log that was deleted together with
its head, or in a run that was deleted with all its rows: only an earlier verification can tell that
they existed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from procedures.models import Act, LogHead, Run, Tombstone
from procedures.models.act import counted
from procedures.models.clock import clock


@dataclass(frozen=True)
class KnownLog:
    """The newest entry of the log when it was verified."""

    seq: int
    hash: str
    at: str

    @classmethod
    def now(cls) -> Self:
        head = LogHead.current()
        return cls(head.seq, head.hash, clock.now().isoformat())

    def faults(self) -> list[str]:
        """Return a sentence if this entry is missing or was replaced by a different one.

        The chain leads from this entry to all earlier ones, so these needn't be kept.
        """
        if not self.seq or Act.objects.filter(seq=self.seq, hash=self.hash).exists():
            return []
        entries = counted(self.seq, "entry", "entries")
        return [
            f"It had {entries} at the verification of {_day(self.at)}, "
            f"but entry {self.seq:,} is now missing or a different one."
        ]


@dataclass(frozen=True)
class KnownRuns:
    """The number of runs older than `until` when they were verified, with the removed ones."""

    count: int
    until: str
    at: str

    @classmethod
    def now(cls, job: UUID) -> Self:
        return cls(_count(job), str(job), clock.now().isoformat())

    def faults(self) -> list[str]:
        """Return a sentence if fewer runs and tombstones exist now.

        A run that was removed properly still counts, because it has a tombstone.
        """
        if (lost := self.count - _count(UUID(self.until))) <= 0:
            return []
        runs = counted(lost, "run has", "runs have")
        return [
            f"{runs} disappeared without a tombstone since the verification of {_day(self.at)}."
        ]


@dataclass(frozen=True)
class Known:
    """The state of the site that a verification keeps, in its result, for the next one."""

    log: KnownLog
    runs: KnownRuns

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        return cls(KnownLog(**kept["log"]), KnownRuns(**kept["runs"]))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def known_after(before: Known | None, job: UUID) -> Known:
    """Return what the verification by `job` keeps.

    If something has been lost, the earlier state is kept, so that later verifications report the
    loss, too.
    """
    log, runs = KnownLog.now(), KnownRuns.now(job)
    if before is None:
        return Known(log, runs)
    return Known(
        before.log if before.log.faults() else log, before.runs if before.runs.faults() else runs
    )


def _count(job: UUID) -> int:
    """Return the number of runs that are older than `job`, with the removed ones.

    This takes one query, so that a run that is removed meanwhile counts once.
    """
    runs = Run.objects.filter(pk__lt=job).order_by().values_list("pk")
    removed = Tombstone.objects.filter(pk__lt=job).order_by().values_list("pk")
    return runs.union(removed, all=True).count()


def _day(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d}"

"""The processor time of processes and of the whole machine during a measurement."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.waiting import TICKS, ticks_of

FULL = 70.0
"""The percentage of the machine above which a round doesn't count: the load measured itself."""


@dataclass
class Usage:
    """The percentage of a core that each process used, and of the whole machine in use."""

    percent: dict[str, float] = field(default_factory=dict)
    machine_percent: float = 0.0
    seconds: float = 0.0

    @property
    def figures(self) -> dict[str, float | bool]:
        found: dict[str, float | bool] = {
            f"{name}_percent": round(value, 1) for name, value in self.percent.items()
        }
        counts = self.machine_percent <= FULL
        return found | {"machine_percent": round(self.machine_percent, 1), "counts": counts}


@contextmanager
def measured(pids: Mapping[str, int]) -> Iterator[Usage]:
    """Record, at the end of the block, what the processes and their child processes have used."""
    usage, began = Usage(), time.monotonic()
    before, (busy, total) = {name: ticks_of(pid) for name, pid in pids.items()}, _machine()
    yield usage
    usage.seconds = time.monotonic() - began
    for name, pid in pids.items():
        spent = ticks_of(pid) - before[name]
        usage.percent[name] = 100 * spent / TICKS / usage.seconds
    busy_now, total_now = _machine()
    usage.machine_percent = 100 * (busy_now - busy) / max(total_now - total, 1)


def _machine() -> tuple[int, int]:
    """Return the ticks in which the machine's processors worked, and all ticks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)

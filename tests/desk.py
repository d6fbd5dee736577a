"""A folder with gates and effects, shared by a test and the steps of `tests.crash.procedures`."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from tests.processes import wait_until


@dataclass(frozen=True)
class Effect:
    """The outside effect of one attempt of a step."""

    name: str
    key: str
    pid: int
    at: float
    """Seconds since the epoch."""

    @property
    def mark(self) -> str:
        return f"{self.pid} {self.at}"


class Desk:
    """One test's folder. Every attempt of a step leaves a line in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self._effects = folder / "effects"
        self._arrivals = folder / "arrivals"

    @contextmanager
    def closed(self, gate: str) -> Iterator[None]:
        """Keep whoever comes to the gate there until the block ends."""
        with Path(self.folder, gate).open("w") as held:
            flock(held, LOCK_EX)
            yield

    def kill_at(self, gate: str) -> None:
        """Have the first process that comes to the gate die there, as of SIGKILL."""
        Path(self.folder, f"kill {gate}").touch()

    def wait_for_arrivals(self, gate: str, count: int = 1) -> None:
        wait_until(
            lambda: lines_of(self._arrivals).count(gate) >= count,
            timeout=60,
            what=f"{count} at the gate {gate!r}",
        )

    @property
    def effects(self) -> Counter[str]:
        """The number of effects of each step."""
        return Counter(one.name for one in self.lines)

    @property
    def lines(self) -> list[Effect]:
        return [
            Effect(name, key, int(pid), float(at))
            for name, key, pid, at in map(str.split, lines_of(self._effects))
        ]

    @property
    def order(self) -> list[str]:
        """The idempotency keys in the order of their effects."""
        return [one.key for one in self.lines]

    @property
    def keys(self) -> set[str]:
        """The idempotency keys of all effects."""
        return set(self.order)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []

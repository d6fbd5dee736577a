"""What a test and the steps of `tests.crash.procedures` share: a folder with gates and effects."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from tests.processes import wait_until


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

    def wait_for_arrivals(self, gate: str, count: int = 1) -> None:
        wait_until(
            lambda: lines_of(self._arrivals).count(gate) >= count,
            timeout=30,
            what=f"{count} at the gate {gate!r}",
        )

    @property
    def effects(self) -> Counter[str]:
        """How often each step had its effect."""
        return Counter(line.split()[0] for line in lines_of(self._effects))

    @property
    def keys(self) -> set[str]:
        """The idempotency keys of all effects."""
        return {line.split()[1] for line in lines_of(self._effects)}


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []

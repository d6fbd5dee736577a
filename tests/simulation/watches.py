"""The watches of simulated processes: they go by the storage's clock and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

from procedures.engine.replay.timeouts import GRACE
from tests.simulation.strands import Strand

if TYPE_CHECKING:
    from tests.simulation.world import World


class Watch:
    """Stands in for the watchdog of a step's timeout, and for its alarm before."""

    def __init__(self, world: "World", seconds: float, act: Callable[[], None]) -> None:
        assert world.now_on, "Only processes have watches."
        self.strand: Strand = world.now_on
        self.act = act
        self._world, self._seconds = world, seconds
        self._since: datetime | None = None
        self._has_rung = False

    def start(self) -> None:
        self._since = self._world.store.clock
        self._world.watches.append(self)

    def cancel(self) -> None:
        if self in self._world.watches:
            self._world.watches.remove(self)

    @property
    def is_over(self) -> bool:
        """Return True if the step was stopped and did not look up: its process is to end."""
        return self._has_lasted(self._seconds) and not self.strand.is_stalled

    def rings(self) -> bool:
        """Return True, once, if the step is to be stopped now."""
        self._has_rung, before = self._has_lasted(self._seconds - GRACE), self._has_rung
        return self._has_rung and not before

    def _has_lasted(self, seconds: float) -> bool:
        assert self._since
        return self._world.store.clock >= self._since + timedelta(seconds=seconds)


@contextmanager
def watches_of(world: "World") -> Iterator[None]:
    """Inside this block a watchdog is a watch of whichever process sets it."""

    def watch(seconds: float, act: Callable[[], None]) -> Watch:
        return Watch(world, seconds + GRACE, act)

    with mock.patch("procedures.engine.replay.timeouts.Watchdog", watch):
        yield

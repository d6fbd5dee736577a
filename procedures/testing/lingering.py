"""The rule by which a rehearsed run's code stays at a wait, or is abandoned there and replayed."""

import inspect
from dataclasses import dataclass, field
from types import CodeType

from procedures.engine.execute import Execution

FIRST = 32
"""The number of a run's first waits at which its code is always abandoned, as by a worker."""
PART = 4
"""The code is abandoned again when the waits are more by one in this number: 4 means a quarter."""
MOST_REPLAYED = 64
"""The maximum number of waits to replay, for each wait of the run, to try new places in code."""

Place = tuple[tuple[CodeType, int], ...]


@dataclass
class Lingering:
    """The waits of one run, and the places where its code was abandoned and replayed.

    Replays are frequent enough to find code that can't be replayed, and rare enough for the cost to
    grow with the number of waits, not with its square.
    """

    known: int = 0
    """The number of the run's events that its code has read."""
    _waits: int = 0
    _replayed: int = 0
    _next: int = FIRST
    _places: set[Place] = field(default_factory=set)

    def is_left(self) -> bool:
        """Count another wait; return True if the code is to be abandoned there, as workers do.

        It is always abandoned at a new place in the code, because the code around that place might
        swallow the exception.
        """
        self._waits += 1
        place = _place()
        is_new = place not in self._places and self._replayed < MOST_REPLAYED * self._waits
        self._places.add(place)
        is_left = is_new or self._waits <= FIRST or self._waits >= self._next
        if is_left:
            self._replayed += self._waits
            self._next = self._waits + self._waits // PART
        return is_left


def _place() -> Place:
    """Return the code's position: the frames from the wait up to the procedure's own frame."""
    found, frame = [], inspect.currentframe()
    while frame and frame.f_code is not TOP:
        found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


TOP = Execution._run_code.__code__  # noqa: SLF001 (the engine's frame below the procedure's)

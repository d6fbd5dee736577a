"""The rule for where a rehearsed run's code is abandoned and replayed, and where it may stay."""

import inspect
from dataclasses import dataclass, field
from types import CodeType

from procedures.engine.execute import Execution

FIRST = 32
"""Waits of a run at which it is always abandoned, so that short tests behave like workers."""
PART = 4
"""The part by which waits grow before the next abandonment: 4 means by a quarter."""
MOST_REPLAYED = 64
"""Waits that may be replayed per wait of the run, so that each new place is tried once."""

Place = tuple[tuple[CodeType, int], ...]


@dataclass
class Lingering:
    """The waits of one run and the places where its code was abandoned and replayed.

    Replays are frequent enough to find code that does not replay, and rare enough for the cost to
    grow with the number of waits, not with its square.
    """

    known: int = 0
    """The number of the run's events its code knows."""
    _waits: int = 0
    _replayed: int = 0
    _next: int = FIRST
    _places: set[Place] = field(default_factory=set)

    def is_left(self) -> bool:
        """Count another wait and return True if the code is to be abandoned there, as workers do.

        It always is at a new place in the code, because something around that place might swallow
        the exception.
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
    """Return the position of the code: the frames from the procedure's own to the wait."""
    found, frame = [], inspect.currentframe()
    while frame and frame.f_code is not TOP:
        found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


TOP = Execution._run_code.__code__  # noqa: SLF001 (the engine's frame below the procedure's)

"""The rule by which a rehearsal decides at each wait whether the run's code is kept or replayed.

Kept code stays in memory, inside the call that waits. Abandoned code is left by an exception and is
replayed later, as in a worker.
"""

import inspect
from dataclasses import dataclass, field
from types import CodeType

from procedures.engine.execute import Execution

FIRST = 32
"""The number of waits of a run before code may be kept; at each of these, the code is abandoned."""
PART = 4
"""The code is abandoned, after the first waits (`FIRST`), whenever the number of waits has grown by
one part in `PART`.

With 4, that is a quarter: at wait 32, 40, 50, 62 and so on.
"""
MOST_REPLAYED = 64
"""The code is also abandoned at each place where it hasn't been abandoned yet, until replays have
read this many waits for each wait of the run."""

Place = tuple[tuple[CodeType, int], ...]


@dataclass
class WaitCounts:
    """The number of waits of a run, and the places in its code where it was abandoned and replayed.

    Code is replayed often enough to find code that can't be replayed. It is replayed so rarely that
    the cost grows with the number of waits, not with the square of this number.
    """

    known: int = 0
    """The number of the run's events that the run's code has read."""
    _waits: int = 0
    _replayed: int = 0
    _next: int = FIRST
    _places: set[Place] = field(default_factory=set)

    def is_left(self) -> bool:
        """Count another wait; return True if the code is to be abandoned there and replayed.

        Code that waits at a place for the first time is abandoned, because the code around this
        place might swallow the exception. This is limited by `MOST_REPLAYED`.
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
    """Return the current position in the code, as the frames of the procedure and its callees."""
    found, frame = [], inspect.currentframe()
    while frame and frame.f_code is not TOP:
        found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


TOP = Execution._run_code.__code__  # noqa: SLF001 (the engine's frame below the procedure's)

"""The journals of waiting runs that this process has released, so that it needn't read them again.

Only events that were added since are read when a worker's process claims such a run again. A
conversation, or an agent that asks often, so continues in half the time once its journal is long.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from procedures.engine.journal.events import Event

MOST_BYTES = 16 * 2**20
"""The maximum size of all kept journals of a process."""
SHORTEST = 100
"""The length from which on a journal is kept; a shorter one is read in almost no time."""
OF_AN_EVENT = 600
"""The bytes of an event in memory, without its data."""


class Place(NamedTuple):
    """The two ends of a journal; the hash of the last event proves those before it, too."""

    base_seq: int
    """The number of the event after which the journal begins, as `Run.base_seq`."""
    seq: int
    hash: str


class KeptJournal(NamedTuple):
    place: Place
    events: list[Event]
    size: int


class KeptJournals:
    """Journals by the ids of their runs; those that were kept first are dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptJournal] = OrderedDict()
        self._lock = Lock()
        self.size = 0
        """The size of all kept journals in bytes, roughly."""

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._kept

    def keep(self, run_id: str, place: Place, events: list[Event]) -> None:
        """Keep the journal of a run that this process has just released, unless it is too large.

        The list must not be changed afterwards.
        """
        if len(events) < SHORTEST:
            return
        kept = KeptJournal(place, events, size_of(events))
        with self._lock:
            self._drop(run_id)
            self._kept[run_id] = kept
            self.size += kept.size
            while self.size > MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def take(self, run_id: str, place: Place) -> list[Event] | None:
        """Return the run's journal and drop it; return None unless it ends at this place."""
        with self._lock:
            kept = self._drop(run_id)
        # Another process may have advanced the run meanwhile.
        return kept.events if kept and kept.place == place else None

    def _drop(self, run_id: str) -> KeptJournal | None:
        kept = self._kept.pop(run_id, None)
        self.size -= kept.size if kept else 0
        return kept


def size_of(events: Sequence[Event]) -> int:
    """Return roughly the bytes that the events take in memory."""
    return OF_AN_EVENT * len(events) + sum(len(event.data) for event in events)


kept_journals = KeptJournals()

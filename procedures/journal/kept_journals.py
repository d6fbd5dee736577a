"""The journals of waiting runs that this process has released, so that it needn't read them again.

If a worker's process claims such a run again and nobody else has added events, it reads none. A
conversation, or an agent that asks often, so continues in half the time once its journal is long.
"""

from collections import OrderedDict
from collections.abc import Sequence
from sys import getsizeof
from threading import Lock
from typing import NamedTuple

from procedures.engine.journal.events import Event

MOST_BYTES = 16 * 2**20
"""The maximum size of all kept journals of a process."""
LARGEST = MOST_BYTES // 4
"""The maximum size of one kept journal."""
SHORTEST = 100
"""The length from which on a journal is kept; a shorter one is read in almost no time."""
OF_AN_EVENT = 400
"""The bytes of an event in memory, without its data."""


class Place(NamedTuple):
    """The two ends of a journal; the hash of the last event proves those before it, too."""

    base_seq: int
    """The number of the event after which the journal begins, as `Run.base_seq`."""
    seq: int
    hash: str


class KeptJournal:
    """A run's events since it last continued as new; none if some are missing or they are large."""

    __slots__ = ("base_seq", "events", "size")

    def __init__(self, base_seq: int, events: Sequence[Event]) -> None:
        self.base_seq, self.size = base_seq, 0
        self.events: list[Event] = []
        self.add(events)

    def add(self, events: Sequence[Event]) -> None:
        """Add events that were stored after those so far."""
        self.size += size_of(events)
        # The events don't follow if those before were rolled back with a step's transaction.
        is_next = events[0].seq == self.base_seq + len(self.events) + 1
        if is_next and self.size <= LARGEST:
            self.events += events
        else:  # no later event follows on nothing, so this journal stays empty
            self.events.clear()

    @property
    def place(self) -> Place:
        last = self.events[-1]
        return Place(self.base_seq, last.seq, last.hash)


class KeptJournals:
    """Journals by the ids of their runs; those that were kept first are dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptJournal] = OrderedDict()
        self._lock = Lock()
        self.size = 0
        """The size of all kept journals in bytes, roughly."""

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._kept

    def keep(self, run_id: str, journal: KeptJournal) -> None:
        """Keep the journal of a run that this process has just released, unless it is short.

        The journal must not be changed afterwards.
        """
        if len(journal.events) < SHORTEST:
            return
        with self._lock:
            self._drop(run_id)
            self._kept[run_id] = journal
            self.size += journal.size
            while self.size > MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def take(self, run_id: str, place: Place) -> list[Event]:
        """Return the events of the run's journal and drop it; return [] unless it ends there."""
        with self._lock:
            kept = self._drop(run_id)
        # Another process may have advanced the run meanwhile.
        return kept.events if kept and kept.place == place else []

    def _drop(self, run_id: str) -> KeptJournal | None:
        kept = self._kept.pop(run_id, None)
        self.size -= kept.size if kept else 0
        return kept


def size_of(events: Sequence[Event]) -> int:
    """Return roughly the bytes that the events take in memory."""
    return sum([OF_AN_EVENT + getsizeof(event.data) for event in events])


kept_journals = KeptJournals()

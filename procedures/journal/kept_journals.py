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
    """A run's events since it last continued as new; none if some are missing or they are large.

    The size is computed when events are added or the journal is kept, so not before the run's code
    continues.
    """

    __slots__ = ("_counted", "base_seq", "events", "size")

    def __init__(self, base_seq: int, events: list[Event]) -> None:
        """Use this list of events, which belongs to this object from now on."""
        self.base_seq, self.events = base_seq, events
        self.size = self._counted = 0

    def add(self, events: Sequence[Event]) -> None:
        """Add events that were stored after those so far."""
        # They don't follow if events before were rolled back with a step's transaction.
        if events[0].seq == self.base_seq + len(self.events) + 1:
            self.events += events
            self.measure()
        else:  # no later event follows on nothing, so this journal stays empty
            self.events.clear()

    def measure(self) -> None:
        """Add the events that aren't counted yet to the size; drop all if it is too large."""
        self.size += size_of(self.events[self._counted :])
        self._counted = len(self.events)
        if self.size > LARGEST:
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
        journal.measure()
        if len(journal.events) < SHORTEST:
            return
        with self._lock:
            self._drop(run_id)
            self._kept[run_id] = journal
            self.size += journal.size
            while self.size > MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def take(self, run_id: str, place: Place) -> KeptJournal | None:
        """Return the run's journal and drop it; return None unless it ends at this place."""
        with self._lock:
            kept = self._drop(run_id)
        # Another process may have advanced the run meanwhile.
        return kept if kept and kept.place == place else None

    def _drop(self, run_id: str) -> KeptJournal | None:
        kept = self._kept.pop(run_id, None)
        self.size -= kept.size if kept else 0
        return kept


def size_of(events: Sequence[Event]) -> int:
    """Return roughly the bytes that the events take in memory."""
    return sum([OF_AN_EVENT + getsizeof(event.data) for event in events])


kept_journals = KeptJournals()

"""Whether a journal is as it was written, and if not, what became of it.

Each event is marked over its place, its content and the mark of the one before; the last mark also
stands in the journal's head. Whoever lacks the key can change, remove, insert or renumber events,
but not mark them anew: the chain breaks at that place, and goes on after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from procedures.engine.journal.events import Event, mark

MOST_GAPS = 100
"""Places at which the chain breaks; after so many a journal is not worth further search."""
LONGEST_GAP = 1000
"""Events that may be missing in one place while those after it were renumbered."""
TRIED = 100
"""Events after a gap of which one should be the first that fits again."""


class What(StrEnum):
    """What became of events."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    MOVED = "moved"
    CUT_OFF = "cut off"
    HEAD = "head"
    UNPROVEN = "unproven"


SENTENCES = {
    What.CHANGED: ("Event {} is not as it was written.", "Events {} to {} are not as written."),
    What.MISSING: ("Event {} is missing.", "Events {} to {} are missing."),
    What.INSERTED: ("Event {} was inserted.", "Events {} to {} were inserted."),
    What.MOVED: ("Event {} was written as {}.", "Events {} to {} were written as {} to {}."),
    What.CUT_OFF: ("Event {}, the last, is cut off.", "Events {} to {}, the last, are cut off."),
    What.UNPROVEN: ("From event {} on nothing could be verified.", ""),
    What.HEAD: ("The run's own note of its last event, {}, is changed.", ""),
}


@dataclass(frozen=True, order=True)
class Damage:
    """What is wrong with some events, by the numbers they have now, or would have."""

    first: int
    last: int
    what: What
    shift: int = 0
    """What to add to the numbers of those that were moved, for those they were written under."""

    def __str__(self) -> str:
        one, many = SENTENCES[self.what]
        numbers = [self.first] if self.first == self.last else [self.first, self.last]
        written = [number + self.shift for number in numbers]
        return (one if len(numbers) == 1 else many).format(*numbers, *written)


@dataclass(frozen=True)
class Ledger:
    """One run's journal under examination: what the run itself says of it, and the key."""

    run_id: str
    head_seq: int
    head_hash: str
    key: bytes
    older_keys: tuple[bytes, ...] = ()
    """Keys with which events were marked before the present one."""

    def damages(self, events: Iterable[Event]) -> list[Damage]:
        """What is wrong with the run's events, which come in the order of their numbers.

        A sound journal is read once and not held.
        """
        seq, before, coming = 1, "", iter(events)
        for event in coming:
            if event.seq != seq or not self.follows(event, before, seq):
                return Search(self, [event, *coming]).damages(before, seq)
            seq, before = seq + 1, event.hash
        return Search(self, []).damages(before, seq)

    def follows(self, event: Event, before: str, seq: int) -> bool:
        """Whether the event was written under that number, after the one with that mark."""
        return any(
            event.hash == mark(event, run_id=self.run_id, seq=seq, head=before, key=key)
            for key in (self.key, *self.older_keys)
        )


class Search:
    """Finds where events belong that do not follow each other as they stand."""

    def __init__(self, ledger: Ledger, left: Iterable[Event]) -> None:
        self._ledger = ledger
        self._left = {event.seq: event for event in left}
        self._missing: set[int] = set()
        self._found: list[Damage] = []
        self._shift = self._gaps = 0

    def damages(self, before: str, seq: int) -> list[Damage]:
        """`seq` is the first number that is not proven, `before` the mark it should follow."""
        head = self._ledger.head_hash
        while before != head and self._left and self._gaps < MOST_GAPS:
            event = self._written_as(seq, before)
            if event is None:
                event, place = self._resumed(seq)
                if event is None:
                    break
                self._note_gap(event, seq, place)
                seq, self._gaps = place, self._gaps + 1
            self._take(event, seq)
            seq, before = seq + 1, event.hash
        self._note_rest(seq, is_whole=before == head)
        return grouped(self._found)

    def _written_as(self, seq: int, before: str) -> Event | None:
        """The event that is proven to belong there, wherever it stands now."""
        for number in (seq, seq - self._shift, *self._left):
            event = self._left.get(number)
            if event and self._ledger.follows(event, before, seq):
                return event
        return None

    def _resumed(self, seq: int) -> tuple[Event | None, int]:
        """The first event whose own mark leads on to another one, or to the head of the run."""
        events = list(self._left.values())
        for event, after in pairwise(events):
            for place in (event.seq, seq):
                if self._ledger.follows(after, event.hash, place + 1):
                    return event, place
        for event, after in list(pairwise(events))[:TRIED]:
            for place in range(seq, seq + LONGEST_GAP):
                if self._ledger.follows(after, event.hash, place + 1):
                    return event, place
        ledger, last = self._ledger, events[-1]
        if len(events) == 1 and (last.hash == ledger.head_hash or last.seq == ledger.head_seq):
            return last, ledger.head_seq
        return None, seq

    def _note_gap(self, event: Event, seq: int, place: int) -> None:
        """Nothing is proven of the event itself: what should come before it is not there."""
        self._missing |= set(range(seq, place))
        if place == seq:
            self._note(What.CHANGED, event.seq)

    def _take(self, event: Event, place: int) -> None:
        del self._left[event.seq]
        self._shift = place - event.seq
        if self._shift:
            self._note(What.MOVED, event.seq, shift=self._shift)

    def _note_rest(self, seq: int, *, is_whole: bool) -> None:
        """What stands there and was not written, and what was written and stands nowhere."""
        head = self._ledger.head_seq
        is_lost = not is_whole and any(number >= seq for number in self._left)
        for number in self._left:
            if number in self._missing:
                self._note(What.CHANGED, number)
            elif not is_lost or number < seq:
                self._note(What.INSERTED, number)
        for number in self._missing.difference(self._left):
            self._note(What.MISSING, number)
        if is_lost:
            self._note(What.UNPROVEN, seq)
        else:
            self._note(What.CUT_OFF, seq, head)
        if not self._found and not (is_whole and seq == head + 1):
            self._note(What.HEAD, head)

    def _note(self, what: What, first: int, last: int | None = None, *, shift: int = 0) -> None:
        last = first if last is None else last
        if first <= last:
            self._found.append(Damage(first, last, what, shift))


def grouped(damages: Iterable[Damage]) -> list[Damage]:
    """Equal damage to neighbours as one, in the order of the journal."""
    groups: list[Damage] = []
    for damage in sorted(damages, key=lambda one: (one.what, one.shift, one.first)):
        last = groups[-1] if groups else None
        if last and replace(last, first=last.last + 1, last=last.last + 1) == damage:
            groups[-1] = replace(last, last=damage.last)
        else:
            groups.append(damage)
    return sorted(groups)

"""Verification of a journal: whether it is unchanged and, if not, which events were changed.

Each event has a mark: an HMAC over the event's run, number and content and over the mark of the
event before. The row of the run also holds the number and the mark of the last event, which are
called the head. Somebody without the key can change, remove, insert or renumber events, but can't
compute new marks for them. So the chain of marks is broken at the changed event, and intact again
after it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from procedures.engine.journal.events import Event, mark

MOST_GAPS = 100
"""The number of breaks in the chain after which the search stops."""
LONGEST_GAP = 1000
"""The largest number of missing events that can be detected in one gap if later events moved."""
TRIED = 100
"""The number of events after a gap for which every possible original number is tried."""


class DamageKind(StrEnum):
    """A kind of damage to events."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    MOVED = "moved"
    CUT_OFF = "cut off"
    HEAD = "head"
    UNPROVEN = "unproven"


SENTENCES = {
    DamageKind.CHANGED: (
        "Event {} was changed after it was written.",
        "Events {} to {} were changed after they were written.",
    ),
    DamageKind.MISSING: ("Event {} is missing.", "Events {} to {} are missing."),
    DamageKind.INSERTED: ("Event {} was inserted.", "Events {} to {} were inserted."),
    DamageKind.MOVED: (
        "Event {} was originally number {}.",
        "Events {} to {} were originally numbers {} to {}.",
    ),
    DamageKind.CUT_OFF: (
        "Event {}, the last one, is missing.",
        "Events {} to {}, the last ones, are missing.",
    ),
    DamageKind.UNPROVEN: ("Nothing could be verified from event {} on.", ""),
    DamageKind.HEAD: ("The run's record of its last event, {}, has been changed.", ""),
}


@dataclass(frozen=True, order=True)
class Damage:
    """Damage to the events `first` to `last`; missing events have their original numbers."""

    first: int
    last: int
    what: DamageKind
    shift: int = 0
    """The number to add to the current number of a moved event to get its original number."""

    def __str__(self) -> str:
        one, many = SENTENCES[self.what]
        numbers = [self.first] if self.first == self.last else [self.first, self.last]
        written = [number + self.shift for number in numbers]
        return (one if len(numbers) == 1 else many).format(*numbers, *written)


@dataclass(frozen=True)
class Ledger:
    """One run's journal while it is verified: its recorded head and the keys."""

    run_id: str
    head_seq: int
    head_hash: str
    key: bytes
    older_keys: tuple[bytes, ...] = ()
    """Earlier keys, with which the marks of older events may have been made."""

    def damages(self, events: Iterable[Event]) -> list[Damage]:
        """Return the damage to the run's events, which are passed in the order of their numbers.

        An intact journal is read once and not held in memory.
        """
        seq, before, coming = 1, "", iter(events)
        for event in coming:
            if event.seq != seq or not self.follows(event, before, seq):
                return Search(self, [event, *coming]).damages(before, seq)
            seq, before = seq + 1, event.hash
        return Search(self, []).damages(before, seq)

    def follows(self, event: Event, before: str, seq: int) -> bool:
        """Return True if the event's hash was made with the number `seq` and the hash `before`."""
        return any(
            event.hash == mark(event, run_id=self.run_id, seq=seq, head=before, key=key)
            for key in (self.key, *self.older_keys)
        )


class Search:
    """A search for the original numbers of events in a chain that is broken."""

    def __init__(self, ledger: Ledger, left: Iterable[Event]) -> None:
        self._ledger = ledger
        self._left = {event.seq: event for event in left}
        self._missing: set[int] = set()
        self._found: list[Damage] = []
        self._shift = self._gaps = 0

    def damages(self, before: str, seq: int) -> list[Damage]:
        """Return the damage to the event with the number `seq` and to later events.

        `before` is the mark of the event before `seq`, up to which the journal is intact.
        """
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
        """Return the event whose mark proves that it was written as number `seq`, or None."""
        # Try the likely places first: the place where the event should be, and the place where it
        # is if all events were moved as far as the last one.
        for number in (seq, seq - self._shift, *self._left):
            event = self._left.get(number)
            if event and self._ledger.follows(event, before, seq):
                return event
        return None

    def _resumed(self, seq: int) -> tuple[Event | None, int]:
        """Return the first event after a gap whose original number can be proven, and that number.

        The number is proven by the mark of the next event, which includes the mark of this event.
        For the last event, it is proven by the head. If no number can be proven, the result is None
        and `seq`.
        """
        ledger = self._ledger
        for event, after, place in self._tried_after(seq):
            if ledger.follows(after, event.hash, place + 1):
                return event, place
        [*others, last] = self._left.values()
        if not others and (last.hash == ledger.head_hash or last.seq == ledger.head_seq):
            return last, ledger.head_seq
        return None, seq

    def _tried_after(self, seq: int) -> Iterator[tuple[Event, Event, int]]:
        """Yield an event, the event after it, and a possible original number of the first one.

        Likely numbers come first. Each try costs an HMAC, so only the first events after the gap
        are tried at all possible numbers.
        """
        pairs = list(pairwise(self._left.values()))
        for event, after in pairs:
            yield event, after, event.seq
            yield event, after, seq
        for event, after in pairs[:TRIED]:
            for place in range(seq, seq + LONGEST_GAP):
                yield event, after, place

    def _note_gap(self, event: Event, seq: int, place: int) -> None:
        """Record that events are missing before this event.

        If no number is missing, this event itself counts as changed.
        """
        self._missing |= set(range(seq, place))
        if place == seq:
            self._note(DamageKind.CHANGED, event.seq)

    def _take(self, event: Event, place: int) -> None:
        del self._left[event.seq]
        self._shift = place - event.seq
        if self._shift:
            self._note(DamageKind.MOVED, event.seq, shift=self._shift)

    def _note_rest(self, seq: int, *, is_whole: bool) -> None:
        """Record all other damage: events that were inserted, changed, missing or cut off."""
        head = self._ledger.head_seq
        is_lost = not is_whole and any(number >= seq for number in self._left)
        for number in self._left:
            if number in self._missing:
                self._note(DamageKind.CHANGED, number)
            elif not is_lost or number < seq:
                self._note(DamageKind.INSERTED, number)
        for number in self._missing.difference(self._left):
            self._note(DamageKind.MISSING, number)
        if is_lost:
            self._note(DamageKind.UNPROVEN, seq)
        else:
            self._note(DamageKind.CUT_OFF, seq, head)
        if not self._found and not (is_whole and seq == head + 1):
            self._note(DamageKind.HEAD, head)

    def _note(
        self, what: DamageKind, first: int, last: int | None = None, *, shift: int = 0
    ) -> None:
        last = first if last is None else last
        if first <= last:
            self._found.append(Damage(first, last, what, shift))


def grouped(damages: Iterable[Damage]) -> list[Damage]:
    """Return the damage in the order of the journal.

    If successive events have the same damage, it is returned as one `Damage` from the first to the
    last of these events.
    """
    groups: list[Damage] = []
    for damage in sorted(damages, key=lambda one: (one.what, one.shift, one.first)):
        last = groups[-1] if groups else None
        if last and replace(last, first=last.last + 1, last=last.last + 1) == damage:
            groups[-1] = replace(last, last=damage.last)
        else:
            groups.append(damage)
    return sorted(groups)

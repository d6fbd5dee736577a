"""What a run did before, by key: the side of replay that remembers.

Strict entries (steps and waits) are matched by key and kind. Soft ones (logs, notices, state,
stages) match when present and never count. What a step said while it ran is not looked at.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from procedures.engine.errors import Mismatch
from procedures.engine.journal import Event, EventKind

Family = Literal["step", "wait"]
STRICT: dict[str, Family] = {
    EventKind.STEP_SUCCEEDED: "step",
    EventKind.STEP_FAILED: "step",
    EventKind.WAIT_OPENED: "wait",
    EventKind.WAIT_CLOSED: "wait",
}
SOFT = {EventKind.LOG, EventKind.NOTICE, EventKind.STATE, EventKind.STAGE}


@dataclass
class Entry:
    """All events of one strict key: the attempts of a step, or a wait's opening and closing."""

    family: Family
    key: str
    events: list[Event] = field(default_factory=list)
    is_tried_again: bool = False
    """Whether an operator asked for another attempt after the last one failed for good."""

    @property
    def last(self) -> Event:
        return self.events[-1]

    def __str__(self) -> str:
        prompt = self.events[0].content.get("prompt", "")
        return describe(self.family, self.key, prompt)


class History:
    """The journal of a run, read once, handed out entry by entry as the code asks for them."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._entries: dict[str, Entry] = {}
        self._soft: set[tuple[str, str]] = set()
        self._unread: dict[str, Entry] = {}
        self._asked: list[str] = []
        self._names: Counter[str] = Counter()
        for event in events:
            self.add(event)
        self._unread = dict(self._entries)

    def add(self, event: Event) -> None:
        if family := STRICT.get(event.kind):
            entry = self._entries.setdefault(event.key, Entry(family, event.key))
            entry.is_tried_again = False
            entry.events.append(event)
        elif event.kind == EventKind.OPERATOR and event.key in self._entries:
            self._entries[event.key].is_tried_again = True
        elif event.kind in SOFT:
            self._soft.add((event.kind, event.key))

    def key_for(self, name: str) -> str:
        """The name itself; used again, it gets an ordinal."""
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}#{self._names[name]}"

    def take(self, family: Family, key: str, prompt: str = "") -> Entry | None:
        """The kept entry the code asks for; None when the code is at a new place.

        `Mismatch` when the code asks for something new while kept entries are still unread.
        """
        self._asked.append(describe(family, key, prompt))
        entry = self._unread.get(key)
        if entry is None or entry.family != family:
            self.check_all_read(f"The code now asks for {self._asked[-1]}")
            return None
        del self._unread[key]
        return entry

    def check_all_read(self, then: str) -> None:
        if self._unread:
            missed = next(iter(self._unread.values()))
            raise self.mismatch(f"{then}, but the run went through {missed} here.")

    def mismatch(self, message: str) -> Mismatch:
        kept = [str(entry) for entry in self._entries.values()]
        return Mismatch(message, kept=kept, asked=self._asked)

    def has_soft(self, kind: EventKind, key: str) -> bool:
        return (kind, key) in self._soft


def failed_step(events: Iterable[Event]) -> str:
    """The step whose final failure is the last thing a run did; "" when there is none."""
    strict = [event for event in events if event.kind in STRICT]
    last = strict[-1] if strict else None
    is_final = last and last.kind == EventKind.STEP_FAILED and last.content["final"]
    return last.key if last and is_final else ""


def describe(family: Family, key: str, prompt: str = "") -> str:
    return f"{family} {key} “{prompt}”" if prompt else f"{family} {key}"

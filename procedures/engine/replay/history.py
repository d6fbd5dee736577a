"""A run's past events by key, against which replay matches the code.

Strict entries (steps, waits, children, patches, readings, sent signals) are matched by key and kind
within a scope: the run's own fiber, or that of a branch. The code must ask for all of them. Soft
events (logs, notices, state, stages) are only looked up by key, so that they aren't recorded twice.
Messages of running steps are ignored.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, starmap
from typing import Literal

from procedures.engine.errors import EngineError, Mismatch
from procedures.engine.journal.events import OPENING, Event, EventKind
from procedures.engine.journal.payloads import NOT_KEPT

Family = Literal["step", "wait", "child", "patch", "seen", "sent"]
STRICT: dict[str, Family] = {
    EventKind.STEP_STARTED: "step",
    EventKind.STEP_SUCCEEDED: "step",
    EventKind.STEP_FAILED: "step",
    EventKind.WAIT_OPENED: "wait",
    EventKind.CHILD_STARTED: "child",
    EventKind.PATCH: "patch",
    EventKind.SEEN: "seen",
    EventKind.SENT: "sent",
}
SOFT = {
    EventKind.LOG,
    EventKind.NOTICE,
    EventKind.STATE,
    EventKind.STAGE,
    EventKind.PROGRESS,
    EventKind.COMPENSATION,
}
FORK = "fork"
"""The name of the event that made this run a fork; earlier events come from another run."""
DONE_OR_BEGUN = {EventKind.STEP_STARTED, EventKind.STEP_SUCCEEDED}
LONGEST_KEY = 200
OUTERMOST = ""
TOP = (OUTERMOST,)
UNDO = "undo/"
"""The scope of compensations, which the run's own code never reads."""


@dataclass(slots=True)
class Entry:
    """All events of one strict key: a step's attempts, or a wait's opening and closing."""

    family: Family
    key: str
    events: list[Event] = field(default_factory=list)
    is_tried_again: bool = False
    """True if an operator asked for another attempt after the step had failed for good."""
    is_asked_again: bool = False
    """True if the wait was withdrawn when the run ended; after a retry it is opened again."""
    is_accepted: bool = False
    """True if an operator lets the stored result count although the arguments have changed."""
    is_read: bool = False
    """True if the code has asked for the entry, or an operator lets the code skip it."""
    is_carried: bool = False
    """True if the entry was taken over from the run that this run was forked from."""

    @property
    def last(self) -> Event:
        return self.events[-1]

    @property
    def is_closed(self) -> bool:
        return self.last.kind == EventKind.WAIT_CLOSED

    @property
    def lacks_result(self) -> bool:
        """True if the step is done and must not run again, but its result couldn't be stored."""
        begun = [event for event in self.events if event.kind in DONE_OR_BEGUN]
        return bool(begun) and is_without_result(begun[-1])

    @property
    def attempts(self) -> int:
        """The number of the step's failed attempts."""
        return sum(event.kind == EventKind.STEP_FAILED for event in self.events)

    @property
    def doubts(self) -> int:
        """The number of times the outcome or the result of the step was unknown."""
        return sum(
            event.kind == EventKind.STEP_STARTED or is_doubtful(event) or is_without_result(event)
            for event in self.events
        )

    def __str__(self) -> str:
        prompt = self.events[0].content.get("prompt", "")
        return describe(self.family, self.key, prompt)


class History:
    """A run's journal since its last `continue_as_new`, arranged by key."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.entries: dict[str, Entry] = {}
        self.asked: list[tuple[Family, str, str]] = []
        """The family, key and prompt of each entry that the code has asked for."""
        self.left_to_origin: set[str] = set()
        """The keys of compensations registered by the run that this run was forked from."""
        self.since: dict[str, Entry] = {}
        """The entries that changed while the code stayed at a wait, by key."""
        self._soft: set[tuple[str, str]] = set()
        self.length = 0
        entries = self.entries
        for event in events:
            self.length += 1
            # Quick for most events, which are the only ones with their key.
            if event.kind in STRICT and event.key not in entries:
                entries[event.key] = Entry(STRICT[event.kind], event.key, [event])
            else:
                self._add(event)
        unread = [key for key, one in entries.items() if not one.is_read]
        nested = [key for key in unread if "/" in key]
        self.left = dict(Counter(chain.from_iterable(map(_scopes_of, nested))))
        """The number of unread entries in each scope; scopes that have none are left out."""
        if len(unread) > len(nested):  # most keys are only in the outermost scope
            self.left[OUTERMOST] = self.left.get(OUTERMOST, 0) + len(unread) - len(nested)

    def extend(self, events: Iterable[Event]) -> None:
        """Add the events that were stored while the code stayed at a wait."""
        for event in events:
            self.length += 1
            is_new = event.key not in self.entries
            self._add(event)
            if entry := self.entries.get(event.key):
                entry.is_read = entry.is_read or is_new  # the code has asked for it while it stayed
                self.since[event.key] = entry

    def read(self, entry: Entry) -> None:
        if not entry.is_read:
            entry.is_read, left = True, self.left
            for path in _scopes_of(entry.key) if "/" in entry.key else TOP:
                count = left[path] = left[path] - 1
                if not count:  # no scope with 0 stays, because each step tests membership
                    del left[path]

    def first_unread(self, path: str) -> Entry:
        return next(self._unread_in(path))

    def forget(self, path: str) -> None:
        """Mark all entries of a scope as read; it costs nothing if none of them is unread."""
        if path in self.left:
            for entry in self._unread_in(path):
                self.read(entry)

    def mismatch(self, message: str, *, changed: str = "") -> Mismatch:
        kept, asked = map(str, self.entries.values()), starmap(describe, self.asked)
        unread = [entry.key for entry in self.entries.values() if not entry.is_read]
        return Mismatch(message, kept=[*kept], asked=[*asked], unread=unread, changed=changed)

    def has_soft(self, kind: EventKind, key: str) -> bool:
        return (kind, key) in self._soft

    def _add(self, event: Event) -> None:
        if event.kind in STRICT:
            if event.key not in self.entries:
                self.entries[event.key] = Entry(STRICT[event.kind], event.key, [event])
                return
            entry = self.entries[event.key]
            if event.kind in OPENING:  # asked again, so that its earlier outcome no longer counts
                entry.events.clear()
            entry.is_tried_again = entry.is_asked_again = entry.is_carried = False
            entry.events.append(event)
        elif event.kind == EventKind.WAIT_CLOSED:
            self._close(event)
        elif event.kind == EventKind.OPERATOR:
            self._obey(event)
        elif event.kind in SOFT:
            self._soft.add((event.kind, event.key))

    def _unread_in(self, path: str) -> Iterator[Entry]:
        entries = self.entries.values()
        return (one for one in entries if not one.is_read and path in _scopes_of(one.key))

    def _close(self, event: Event) -> None:
        """Close a wait; a second closing is ignored, and so is the closing of an unknown wait."""
        entry = self.entries.get(event.key)
        if entry and not entry.is_closed:
            entry.events.append(event)

    def _obey(self, event: Event) -> None:
        content = event.content
        if event.name == FORK:
            self._carry_over()
        for entry in self._known(event.key, *content.get("again", ())):
            self._take_up(entry)
        for entry in self._known(*content.get("reopened", ())):
            del entry.events[1:]  # its children had failed, and their next ends count
        for entry in self._known(*content.get("loose", ())):
            entry.is_read = True
        changed = self.entries.get(content.get("changed", ""))
        if changed and changed.family == "step":
            changed.is_accepted = True
        elif changed:  # an answer counts for no other question, so people are asked again
            del self.entries[changed.key]

    def _take_up(self, entry: Entry) -> None:
        if entry.family != "step":
            entry.is_asked_again = True
        elif is_of_branch(entry.last):  # for a gather, its branches' own entries are still used
            del self.entries[entry.key]
        else:
            entry.is_tried_again = True

    def _known(self, *keys: str) -> list[Entry]:
        return [self.entries[key] for key in keys if key in self.entries]

    def _carry_over(self) -> None:
        """Mark all present entries as taken over from the run that this run was forked from."""
        for entry in self.entries.values():
            entry.is_carried = True
        noted = {key for kind, key in self._soft if kind == EventKind.COMPENSATION}
        self.left_to_origin |= noted


class Scope:
    """One fiber's view of the history: the names it has used, and the entries it may read."""

    def __init__(self, history: History, path: str = "") -> None:
        self._history, self.path = history, path
        self._names: dict[str, int] = {}
        """The number of times the code has used each name."""
        self.last = ""
        """The key most recently given to a step, a wait or a child."""

    def key_for(self, name: str) -> str:
        """Return the key for a name in this scope; a repeated name gets a number: "name#2".

        Raises `EngineError` if deep branches with long names make the key too long.
        """
        count = self._names[name] = self._names.get(name, 0) + 1
        key = f"{self.path}{name}#{count}" if count > 1 else f"{self.path}{name}"
        if len(key) > LONGEST_KEY:
            checked_key(key)
        if ":" not in name:  # not the name of a soft event
            self.last = key
        return key

    def next_key(self, name: str) -> str:
        """Return the key that `key_for` would return next for this name, without using it up."""
        count = self._names.get(name, 0) + 1
        return f"{self.path}{name}#{count}" if count > 1 else f"{self.path}{name}"

    def inner(self, key: str) -> "Scope":
        return Scope(self._history, f"{key}/")

    def take(self, family: Family, key: str, prompt: str = "") -> Entry | None:
        """Return the entry that the code asks for, or None if the journal has no usable one.

        Raises `Mismatch` if the code asks for something new although the scope has unread entries.
        """
        history = self._history
        found = history.entries.get(key)
        history.asked.append((family, key, prompt))
        if found is None or found.family != family:
            if self.has_unread():
                self.check_all_read(f"The code now asks for {describe(family, key, prompt)}")
            return None
        history.read(found)
        return None if found.is_asked_again else found

    def peek(self, family: Family, key: str) -> Entry | None:
        entry = self._history.entries.get(key)
        return entry if entry and entry.family == family else None

    def has_unread(self) -> bool:
        """Return True if the scope contains an entry that the code has not asked for."""
        return self.path in self._history.left

    def check_all_read(self, then: str) -> None:
        if self.has_unread():
            missed = self._history.first_unread(self.path)
            raise self._history.mismatch(f"{then}, but the journal has {missed} here.")

    def mismatch(self, message: str, *, changed: str = "") -> Mismatch:
        return self._history.mismatch(message, changed=changed)

    def forget(self, key: str) -> None:
        """Mark all entries below that key as read."""
        self._history.forget(f"{key}/")


def is_doubtful(event: Event) -> bool:
    """Return True if people let the step fail because it may or may not have happened."""
    return event.kind == EventKind.STEP_FAILED and bool(event.content.get("doubtful"))


def is_without_result(event: Event) -> bool:
    """Return True if the step is done but its result could not be stored."""
    return event.kind == EventKind.STEP_SUCCEEDED and NOT_KEPT in event.content


def is_of_branch(event: Event) -> bool:
    """Return True if the event says that a gather failed because of one of its branches."""
    return event.kind == EventKind.STEP_FAILED and "branch" in event.content


def checked_key(key: str) -> str:
    """Return the key; raise `EngineError` if deep branches with long names make it too long."""
    if len(key) > LONGEST_KEY:
        raise EngineError(
            f"The key {key[:60]}… is too long: the limit is {LONGEST_KEY} characters."
        )
    return key


def describe(family: Family, key: str, prompt: str = "") -> str:
    return f"{family} {key} “{prompt}”" if prompt else f"{family} {key}"


def _scopes_of(key: str) -> Sequence[str]:
    """Return every scope that contains a key, from the outermost: "", "a/", "a/b/"."""
    if "/" not in key:
        return TOP
    parts = key.split("/")
    inner = ["/".join(parts[:number]) + "/" for number in range(1, len(parts))]
    return inner if key.startswith(UNDO) else [*TOP, *inner]

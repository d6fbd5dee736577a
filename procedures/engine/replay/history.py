"""The events of a run, by key, as a replay compares them with what the code asks for.

The code must ask for each strict entry: a step, a wait, a child run, a patch, a reading or a sent
signal. An entry fits if its key and its kind are the same. The keys of a branch are compared only
with the entries of that branch.

A soft event is a log line, a notice, a stage or a change of the state. A replay looks up the key of
a soft event only in order not to record the event twice. Messages of running steps are ignored.
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
    EventKind.STEP_STARTED.value: "step",
    EventKind.STEP_SUCCEEDED.value: "step",
    EventKind.STEP_FAILED.value: "step",
    EventKind.WAIT_OPENED.value: "wait",
    EventKind.CHILD_STARTED.value: "child",
    EventKind.PATCH.value: "patch",
    EventKind.SEEN.value: "seen",
    EventKind.SENT.value: "sent",
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
"""The name of the `operator` event at the beginning of a fork.

The events before it were taken over from the original run.
"""
DONE_OR_BEGUN = {EventKind.STEP_STARTED, EventKind.STEP_SUCCEEDED}
LONGEST_KEY = 200
OUTERMOST = ""
TOP = (OUTERMOST,)
UNDO = "undo/"
"""The beginning of the keys of compensations, for which the run's own code never asks."""


@dataclass(slots=True)
class Entry:
    """The events of one step, wait, child run, patch, reading or sent signal.

    For a step, these are its attempts; for a wait, its opening and its closing.
    """

    family: Family
    key: str
    events: list[Event] = field(default_factory=list)
    is_tried_again: bool = False
    """True if an operator has retried the step, which had no attempts left."""
    is_asked_again: bool = False
    """True if the wait was withdrawn when the run ended, so that a retry opens the wait again."""
    is_accepted: bool = False
    """True if the stored result counts for other arguments, too, as an operator has decided."""
    is_read: bool = False
    """True if the code has asked for the entry, or an operator lets the code skip the entry."""
    is_carried: bool = False
    """True if the run is a fork, and the entry comes from its original run."""

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
        """The number of failed attempts of the step."""
        return sum(event.kind == EventKind.STEP_FAILED for event in self.events)

    @property
    def doubts(self) -> int:
        """The number of attempts after which the outcome or the result was unknown for a time."""
        return sum(
            event.kind == EventKind.STEP_STARTED or is_doubtful(event) or is_without_result(event)
            for event in self.events
        )

    def __str__(self) -> str:
        prompt = self.events[0].content.get("prompt", "")
        return describe(self.family, self.key, prompt)


class History:
    """The events of a run since it last continued as new, by key."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.entries: dict[str, Entry] = {}
        self.asked: list[tuple[Family, str, str]] = []
        """The family, key and prompt of all entries that the code has asked for so far."""
        self.left_to_origin: set[str] = set()
        """The keys of the compensations that a fork has taken over.

        The original run executes them, so the fork doesn't.
        """
        self.since: dict[str, Entry] = {}
        """The entries to which events were added while the code stayed at a wait, by key."""
        self._soft: set[tuple[str, str]] = set()
        self.length = 0
        entries = self.entries
        for event in events:
            self.length += 1
            # Quick for most events, which are the only ones with their key.
            family, key = STRICT.get(event.kind), event.key
            if family and key not in entries:
                entries[key] = Entry(family, key, [event])
            else:
                self._add(event)
        unread = [key for key, one in entries.items() if not one.is_read]
        nested = [key for key in unread if "/" in key]
        self.left = Counter(chain.from_iterable(map(_scopes_of, nested)))
        """The number of unread entries in each scope, by the scope's path."""
        self.left[OUTERMOST] += len(unread) - len(nested)  # most keys are only in this scope

    def extend(self, events: Iterable[Event]) -> None:
        """Add events that were stored while the code stayed at a wait."""
        for event in events:
            self.length += 1
            is_new = event.key not in self.entries
            self._add(event)
            if entry := self.entries.get(event.key):
                entry.is_read = entry.is_read or is_new  # the code has asked for it while it stayed
                self.since[event.key] = entry

    def read(self, entry: Entry) -> None:
        """Mark an unread entry as read."""
        entry.is_read = True
        self.left.subtract(_scopes_of(entry.key))

    def first_unread(self, path: str) -> Entry:
        return next(self._unread_in(path))

    def forget(self, path: str) -> None:
        """Mark all entries of a scope as read; this is quick if all were read before."""
        if self.left[path]:
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
        """Add the closing of a wait to the wait's entry, unless the wait is unknown or closed."""
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
        """Mark all entries so far as taken over by a fork from its original run."""
        for entry in self.entries.values():
            entry.is_carried = True
        noted = {key for kind, key in self._soft if kind == EventKind.COMPENSATION}
        self.left_to_origin |= noted


class Scope:
    """The part of the history that one fiber may read, and the names that the fiber has used."""

    def __init__(self, history: History, path: str = "") -> None:
        self._history, self.path = history, path
        self._names: dict[str, int] = {}
        """The number of times that the code has used each name."""
        self.last = ""
        """The key that `key_for` returned last for a step, a wait or a child run."""

    def key_for(self, name: str) -> str:
        """Return the key for a name: "load" for the first use in this scope, then "load#2", etc.

        In a branch, the key begins with the branch's path. Raises `EngineError` if the key is too
        long, which happens to long names in deep branches.
        """
        count = self._names[name] = self._names.get(name, 0) + 1
        key = f"{self.path}{name}#{count}" if count > 1 else f"{self.path}{name}"
        if len(key) > LONGEST_KEY:
            checked_key(key)
        if ":" not in name:  # not the name of a soft event
            self.last = key
        return key

    def next_key(self, name: str) -> str:
        """Return the key that `key_for` would return for this name now, without counting a use."""
        count = self._names.get(name, 0) + 1
        return f"{self.path}{name}#{count}" if count > 1 else f"{self.path}{name}"

    def inner(self, key: str) -> "Scope":
        return Scope(self._history, f"{key}/")

    def take(self, family: Family, key: str, prompt: str = "") -> Entry | None:
        """Return the entry for which the code asks; None if the code is to do something new.

        The code is to do something new if the journal has no such entry, or if the wait must be
        opened again. Raises `Mismatch` if the journal has no such entry, but has other entries in
        this scope for which the code hasn't asked.
        """
        history = self._history
        history.asked.append((family, key, prompt))
        found = history.entries.get(key)
        if found is None or found.family != family:
            if self.has_unread():
                self.check_all_read(f"The code now asks for {describe(family, key, prompt)}")
            return None
        if not found.is_read:
            if "/" in key:
                history.read(found)
            else:  # the same, but quickly, because a replay gets here for each step
                found.is_read = True
                history.left[OUTERMOST] -= 1
        return None if found.is_asked_again else found

    def peek(self, family: Family, key: str) -> Entry | None:
        entry = self._history.entries.get(key)
        return entry if entry and entry.family == family else None

    def has_unread(self) -> bool:
        """Return True if the scope contains an entry for which the code hasn't asked."""
        return self._history.left[self.path] > 0

    def check_all_read(self, then: str) -> None:
        if self.has_unread():
            missed = self._history.first_unread(self.path)
            raise self._history.mismatch(f"{then}, but the journal has {missed} here.")

    def mismatch(self, message: str, *, changed: str = "") -> Mismatch:
        return self._history.mismatch(message, changed=changed)

    def forget(self, key: str) -> None:
        """Mark all entries inside the branch, gather or step with this key as read."""
        self._history.forget(f"{key}/")


def is_doubtful(event: Event) -> bool:
    """Return True if an operator let the step fail because nobody knew whether it had happened."""
    return event.kind == EventKind.STEP_FAILED and bool(event.content.get("doubtful"))


def is_without_result(event: Event) -> bool:
    """Return True if the event says that a step is done, but its result couldn't be stored."""
    return event.kind == EventKind.STEP_SUCCEEDED and NOT_KEPT in event.content


def is_of_branch(event: Event) -> bool:
    """Return True if the event says that a gather failed because one of its branches failed."""
    return event.kind == EventKind.STEP_FAILED and "branch" in event.content


def checked_key(key: str) -> str:
    """Return the key of an entry; raise `EngineError` if the key is too long.

    Keys become long in deep branches with long names.
    """
    if len(key) > LONGEST_KEY:
        raise EngineError(
            f"The key {key[:60]}… is too long: the limit is {LONGEST_KEY} characters."
        )
    return key


def describe(family: Family, key: str, prompt: str = "") -> str:
    return f"{family} {key} “{prompt}”" if prompt else f"{family} {key}"


def _scopes_of(key: str) -> Sequence[str]:
    """Return all scopes that contain an entry: "", "a/" and "a/b/" for the key "a/b/c".

    Compensations, whose keys begin with "undo/", don't belong to "", the scope of the run's own
    code.
    """
    if "/" not in key:
        return TOP
    parts = key.split("/")
    inner = ["/".join(parts[:number]) + "/" for number in range(1, len(parts))]
    return inner if key.startswith(UNDO) else [*TOP, *inner]

"""Looks at one run after every step of the schedule: what may never be seen there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from procedures.engine.journal.events import Event, EventKind, NewEvent, RunStatus, chain
from procedures.engine.journal.large import unpacked
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.lifecycle.runs import SUSPENDED
from procedures.engine.lifecycle.sets import DETACHED_KINDS
from procedures.engine.lifecycle.waits import is_abandoned
from procedures.engine.memory import KEY, MemorySignal
from procedures.engine.replay.history import SOFT
from procedures.engine.values import canonical

ENDS = {EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED}


class BrokenError(Exception):
    """Something happened that may never happen."""

    def __init__(self, invariant: str, words: str) -> None:
        self.invariant, self.words = invariant, words
        super().__init__(f"{invariant}: {words}")


class Row(Protocol):
    """The facts about a run that can be seen in the storage."""

    @property
    def status(self) -> RunStatus: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def inputs(self) -> Sequence[NewEvent]: ...
    @property
    def waits(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def all_signals(self) -> Sequence[MemorySignal]: ...
    @property
    def result(self) -> str | None: ...


@dataclass
class Kept:
    """A run's journal, as its model reads it."""

    inputs: Mapping[str, Any]
    results: dict[str, Any] = field(default_factory=dict)
    """The results of steps since the run last began anew, by key."""
    failed: set[str] = field(default_factory=set)
    """The keys of those that failed for good."""
    closed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The ends of the waits since then, by key."""
    ever_closed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """The messages that the code has read from its inbox, in order."""
    heard: list[str] = field(default_factory=list)
    """These and the results of conversations, in order."""


class Witness:
    """Remembers all that was seen of one run."""

    def __init__(self, run_id: str, inputs: str) -> None:
        self.run_id = run_id
        self.kept = Kept(canonical.value_of(inputs))
        self.opened: dict[str, dict[str, Any]] = {}
        """The waits of the run by its journal, by key."""
        self.asked: dict[str, dict[str, Any]] = {}
        """All openings since it last began anew."""
        self.committed: set[str] = set()
        """The idempotency keys of the steps that are kept."""
        self.to_undo: list[str] = []
        self.awaited: list[tuple[str, dict[str, Any]]] = []
        self.undone: set[str] = set()
        """The comments of the answers that were undone."""
        self.held: set[str] = set()
        """The keys of the questions whose answers are held."""
        """Answers that were accepted and that the journal does not know yet."""
        self.sent: set[int] = set()
        """Signals that were accepted, each with a number of its own."""
        self.written: list[str] = []
        """Messages that were accepted, in order; the text of each is its id."""
        self._read: list[str] = []
        self.is_ended = self.is_paused = False
        self._unended: set[str] = set()
        """The steps that are to happen once and were begun."""
        self._said: dict[str, Any] = {}
        """The last words of people about a step in doubt."""
        self._received: set[int] = set()
        self._seen: list[Event] = []
        self._soft: set[tuple[str, str]] = set()
        self._generation = 0

    def name_of(self, key: str) -> str:
        """The idempotency key of a step."""
        generation = f"{self._generation}:" if self._generation else ""
        return f"{self.run_id}:{generation}{key}"

    def look(self, row: Row) -> None:
        """Raises `BrokenError` when something is to be seen that may never be."""
        events = row.events
        if events[: len(self._seen)] != self._seen:
            raise BrokenError("append-only", "an event has changed or is gone")
        news = events[len(self._seen) :]
        if self.is_paused and row.status == RunStatus.PAUSED and news:
            raise BrokenError("a paused run rests", f"{news[0].kind} {news[0].key}")
        self.is_paused = row.status == RunStatus.PAUSED
        for number, event in enumerate(news):
            self._check_place(event)
            self._check_alive(event, news[number:])
            self._seen.append(event)
            self._take(event)
        for words in self._wrong_with(row):
            raise BrokenError(*words)

    def _check_place(self, event: Event) -> None:
        last = self._seen[-1] if self._seen else None
        draft = NewEvent(EventKind(event.kind), event.key, event.name, event.content)
        seq, head = len(self._seen) + 1, last.hash if last else ""
        made = chain(draft, run_id=self.run_id, seq=seq, at=event.at, head=head, key=KEY)
        if made != event:
            raise BrokenError("one event a number", f"{event.kind} {event.key} breaks the chain")
        if last and last.at > event.at:
            raise BrokenError("the storage's clock", f"{event.kind} {event.key} lies in the past")

    def _check_alive(self, event: Event, news: Sequence[Event]) -> None:
        """Events that came from outside before an operator reopened the run stand before that."""
        is_reopened = any(one.kind == EventKind.OPERATOR for one in news)
        is_from_outside = event.kind in {EventKind.WAIT_CLOSED, EventKind.OPERATOR}
        if self.is_ended and not (is_reopened and is_from_outside):
            raise BrokenError("an ended run never changes", f"{event.kind} {event.key} after it")

    def _take(self, event: Event) -> None:
        takes = {
            EventKind.WAIT_OPENED: self._take_opening,
            EventKind.CHILD_STARTED: self._take_opening,
            EventKind.WAIT_CLOSED: self._take_outcome,
            EventKind.STEP_STARTED: self._take_start,
            EventKind.STEP_SUCCEEDED: self._take_attempt,
            EventKind.STEP_FAILED: self._take_attempt,
            EventKind.SEEN: self._take_reading,
            EventKind.RUN_CONTINUED: self._begin_anew,
            EventKind.OPERATOR: self._obey,
            **dict.fromkeys(SOFT, self._take_soft),
            **dict.fromkeys(ENDS, self._end),
        }
        if take := takes.get(EventKind(event.kind)):
            take(event, event.content)

    def _end(self, _event: Event, _content: dict[str, Any]) -> None:
        self.is_ended = True

    def _obey(self, _event: Event, content: dict[str, Any]) -> None:
        self.is_ended = False
        for key in (*content.get("again", ()), content.get("changed", "")):
            self._forget(key)
        for key in content.get("reopened", ()):
            self.opened[key] = self.asked[key]
            self.kept.closed.pop(key, None)

    def _take_opening(self, event: Event, content: dict[str, Any]) -> None:
        if content.get("skipped") or content.get("anew"):  # what had come did not fit
            self._forget(event.key)
        if event.key in self.asked:
            raise BrokenError("a wait is opened once", event.key)
        self.opened[event.key] = self.asked[event.key] = content
        self.held.discard(event.key)  # of a wait that the run's end has closed before

    def _forget(self, key: str) -> None:
        """An operator has this asked again."""
        self.opened.pop(key, None)
        self.asked.pop(key, None)
        self.kept.closed.pop(key, None)
        self.kept.failed.discard(key)

    def _take_outcome(self, event: Event, content: dict[str, Any]) -> None:
        wait = self.opened.pop(event.key, None)
        if wait is None:
            raise BrokenError("one outcome a wait", f"{event.key} {content['outcome']} once more")
        if not content["responder"]:
            raise BrokenError("who answered is stored", event.key)
        _check_time(event, wait, content)
        self._check_held(event.key, content)
        if (answer := (event.key, without_time(content))) in self.awaited:
            self.awaited.remove(answer)
        told = {**content, "value": unpacked(content, "value")}
        self.kept.closed[event.key] = told
        self.kept.ever_closed.append((event.key, told))
        step, _, asked = event.key.rpartition("/")
        if asked.startswith("doubt"):
            self._said[step] = told["value"]
        if content["outcome"] == "decided":
            self._check_set(event.key, wait, told["value"])
        elif wait.get("signal") == MESSAGE:
            self._take_said(told["value"])
        elif content["outcome"] == "received":
            self._check_signal(told["value"])

    def _take_said(self, said: Any) -> None:
        """Take what ends a conversation: a message, or what silence counts as."""
        is_message = isinstance(said, dict)
        self._check_order([said["id"]] if is_message else [])
        self.kept.heard.append(said["text"] if is_message else said)

    def _take_reading(self, event: Event, content: dict[str, Any]) -> None:
        if event.name == "inbox":
            texts = [one["text"] for one in unpacked(content, "value")]
            self._check_order(content.get("read", ()))
            self.kept.read += texts
            self.kept.heard += texts

    def _check_order(self, ids: Sequence[str]) -> None:
        """Check messages that no step has read: they come in the order in which they were sent."""
        left = [one for one in self.written if one not in self._read]
        self._check_read(ids)
        if list(ids) != left[: len(ids)]:
            raise BrokenError("messages are read in order", f"{ids} of {left}")

    def _check_read(self, ids: Sequence[str]) -> None:
        for one in ids:
            if one in self._read:
                raise BrokenError("a message is read once", one)
            if one not in self.written:
                raise BrokenError("only what was written is read", one)
            self._read.append(one)

    def _check_held(self, key: str, content: Mapping[str, Any]) -> None:
        if content["comment"] in self.undone:
            raise BrokenError("an undone answer never counts", key)
        if content["timed_out"] and key in self.held:
            raise BrokenError("no deadline passes while an answer is held", key)
        self.held.discard(key)

    def _check_signal(self, number: int) -> None:
        if number in self._received:
            raise BrokenError("a signal counts once", f"number {number}")
        self._received.add(number)

    def _check_set(self, key: str, wait: Mapping[str, Any], won: Sequence[str]) -> None:
        closed = [part for part in self.kept.closed if part in wait["over"]]
        # An answer that was held counts since it was given, and is written when that is over.
        given = sorted(closed, key=lambda part: self.kept.closed[part].get("at", ""))
        if won not in (closed[: wait["need"]], given[: wait["need"]]):
            raise BrokenError("the first ones win a set", f"{key}: {won}, but {closed} closed")

    def _take_start(self, event: Event, _content: dict[str, Any]) -> None:
        """Another one needs somebody who says that the one before did not happen."""
        if self._said.pop(event.key, "") != "repeat" and event.key in self._unended:
            raise BrokenError("what is to happen once is not repeated unasked", event.key)
        self._unended.add(event.key)

    def _take_attempt(self, event: Event, content: dict[str, Any]) -> None:
        self._unended.discard(event.key)
        if event.kind == EventKind.STEP_FAILED:
            self.kept.failed |= {event.key} if content["final"] else set()
            return
        name = self.name_of(event.key)
        if name in self.committed:
            raise BrokenError("a committed step never runs again", f"{event.key} is kept twice")
        self.committed.add(name)
        self._check_read(content.get("read", ()))
        self.kept.results[event.key] = unpacked(content, "result")

    def _take_soft(self, event: Event, _content: dict[str, Any]) -> None:
        if event.kind == EventKind.COMPENSATION:
            self.to_undo.append(event.name)
        if not event.key.rpartition("/")[2].startswith(
            ":"
        ):  # a step says it: again when tried again
            return
        mark = (event.kind, f"{self._generation} {event.key}")
        if mark in self._soft:
            raise BrokenError("state and notices count once", f"{event.kind} {event.key}")
        self._soft.add(mark)

    def _begin_anew(self, _event: Event, content: dict[str, Any]) -> None:
        if self.opened:
            raise BrokenError("nothing stays open", f"{', '.join(self.opened)} when begun anew")
        self._generation = content["generation"]
        self._unended.clear()
        self._said.clear()
        self.asked.clear()
        self.to_undo.clear()
        self.kept.results, self.kept.failed, self.kept.closed = {}, set(), {}
        self.kept.inputs = canonical.value_of(unpacked(content, "inputs"))

    def _wrong_with(self, row: Row) -> Iterator[tuple[str, str]]:
        left = dict(row.waits)
        if row.status == RunStatus.FAILED:  # a retry goes on waiting for what goes on
            left = {key: wait for key, wait in left.items() if not is_abandoned(wait)}
        if row.status.is_end and left:
            yield "a run's end closes its waits", ", ".join(left)
        if row.status.is_end != self.is_ended and not row.inputs:
            yield "an ended run never runs again", f"it is {row.status}"
        pending = [(one.key, without_time(one.data)) for one in row.inputs]
        if lost := [key for key, content in self.awaited if (key, content) not in pending]:
            yield "a committed answer is never lost", ", ".join(lost)
        yield from self._signals(row)
        yield from self._messages(row)
        yield from self._asleep(row)
        yield from self._losers(row)

    def _signals(self, row: Row) -> Iterator[tuple[str, str]]:
        kept = [one for one in row.all_signals if one.wait is None]
        coming = [canonical.value_of(one.value) for one in kept]
        coming += [one.data.get("value") for one in row.inputs]
        if lost := [number for number in self.sent - self._received if number not in coming]:
            yield "an accepted signal is never lost", f"{sorted(lost)}"

    def _messages(self, row: Row) -> Iterator[tuple[str, str]]:
        left = [one for one in self.written if one not in self._read]
        there = [one.signal_id for one in row.all_signals if one.read_seq is None]
        if lost := [one for one in left if one not in there]:
            yield "an accepted message is never lost", ", ".join(lost)

    def _asleep(self, row: Row) -> Iterator[tuple[str, str]]:
        """Only what belongs to a set that is not decided yet lets a run sleep on."""
        if row.status not in SUSPENDED or not row.inputs:
            return
        parts = {part for wait in row.waits.values() for part in wait.get("over", ())}
        if missed := [one.key for one in row.inputs if one.key not in parts]:
            yield "an answer wakes its run", ", ".join(missed)

    def _losers(self, row: Row) -> Iterator[tuple[str, str]]:
        for key, wait in self.asked.items():
            if wait["wait"] != "set" or key in row.waits or key not in self.kept.closed:
                continue
            left = [part for part in wait["over"] if part in row.waits]
            if left := [part for part in left if row.waits[part]["wait"] not in DETACHED_KINDS]:
                yield "a decided set keeps nothing open", f"{key}: {', '.join(left)}"


def _check_time(event: Event, wait: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Check that time acted when it was due, and decided only if the author had said so."""
    if content["responder"] not in ("system: clock", "system: deadline"):
        return
    if event.at < datetime.fromisoformat(wait["due_at"]):
        raise BrokenError("time takes effect when it is due", event.key)
    is_declared = wait["wait"] == "signal" or wait.get("on_timeout") == "default"
    if content["timed_out"] and content["value"] is not None and not is_declared:
        raise BrokenError("silence never approves undeclared", event.key)


def without_time(content: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as it was given: the store adds when it was taken in."""
    return {name: value for name, value in content.items() if name != "at"}

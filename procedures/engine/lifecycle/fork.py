"""Forks: new runs that take over another run's journal up to one of its steps or waits."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import EngineError
from procedures.engine.journal.events import OPENING, Event, EventKind, NewEvent, chained, moved
from procedures.engine.journal.large import ELSEWHERE, packed
from procedures.engine.lifecycle.runs import is_over, is_undone, undone_since
from procedures.engine.lifecycle.start import insert_queued
from procedures.engine.lifecycle.waits import cells_of
from procedures.engine.replay.history import STRICT, UNDO, Entry, History
from procedures.engine.store import RunRow, Store
from procedures.engine.values import canonical
from procedures.engine.values.files import file_store

if TYPE_CHECKING:
    from procedures.engine.values.files import File

CARRIED_FROM = "carried_from"
"""The field of a wait's closing that holds the id of the run in which the wait was closed."""
TOLD = {*OPENING, EventKind.STEP_STARTED, EventKind.WAIT_CLOSED, EventKind.OPERATOR}
"""Kinds of events that show which waits are open, which are closed, and which are asked again."""


A_FILE = re.compile(r'"digest":"([0-9a-f]{64})"')
ANYTHING_ELSEWHERE = re.compile(rf'"\w+{ELSEWHERE}":"([0-9a-f]{{64}})"')


class ForkRefusedError(EngineError):
    """A run can't be forked at the given step or wait; the message says why."""


class UnknownPlaceError(ForkRefusedError):
    """The run hasn't reached the given step or wait since it last continued as new."""

    def __init__(self, at: str) -> None:
        super().__init__(
            f"The run hasn't reached a step or wait called {at!r} since it last continued as new."
        )


@dataclass(frozen=True)
class Carried:
    """The waits that the original run had opened before the fork point."""

    again: Sequence[str]
    """The keys of waits that the fork opens again: open waits, and those to be answered again."""
    closed: Sequence[Entry]
    """The waits whose outcome the fork takes over."""


@dataclass(frozen=True)
class Fork:
    """The place where a fork leaves its original run, and the values that differ from then on."""

    origin: RunRow
    until: int
    """The number of the first event that the fork doesn't take over."""
    carried: Carried
    inputs: str
    """The fork's inputs as canonical JSON text, even if they are large."""
    by: str
    """The person who starts the fork."""


def begins(event: Event, at: str) -> bool:
    """Return True if the event belongs to the step, wait, child or gather with the key `at`."""
    is_of_it = event.key == at or event.key.startswith(f"{at}/")
    return is_of_it and event.kind in STRICT and not event.key.startswith(UNDO)


def first_of(store: Store, origin: RunRow, events: Iterable[Event], at: str) -> Event:
    """Return the first event of the step or wait `at` since the run last continued as new.

    A fork takes over the events before it. Raises `UnknownPlaceError` if the run hasn't reached
    `at` since then, and `ForkRefusedError` if the work done before `at` has been or will be undone.
    """
    first = next((event for event in events if begins(event, at)), None)
    if first is None:
        raise UnknownPlaceError(at)
    is_to_end = origin.cancel_requested_at is not None and not is_over(origin)
    if (is_to_end or is_undone(store, origin)) and store.has_event(
        origin, after=undone_since(origin), before=first.seq, kind=EventKind.COMPENSATION
    ):
        raise ForkRefusedError(
            f"The run's work before {at} has been or will be undone. Restart the run, or fork it "
            "at an earlier step."
        )
    return first


def note_of(said: dict[str, Any]) -> NewEvent:
    """Return the event that records who asked for a fork or a restart, and why."""
    return NewEvent(EventKind.OPERATOR, name=said["action"], data=said)


def taken(store: Store, origin: RunRow, until: int) -> Iterator[Event]:
    """Yield the events that a fork takes over.

    They come before the number `until`, and after the original run last continued as new.
    """
    return chain.from_iterable(store.event_parts(origin, until))


def begin_fork(
    store: Store, run: RunRow, fork: Fork, note: NewEvent, *, files: "Sequence[File]" = ()
) -> None:
    """Store and queue a new run with all that it takes over from another run.

    `note` says who forked it. `files` are the files in its inputs.
    """
    copy, named = _Copy(store, run), set[str]()
    with store.use_files():
        for part in store.event_parts(fork.origin, fork.until):
            named.update(*map(_named_in, part))
            # The fork starts at the original's time, so its code reads the same times.
            if not copy.seq:
                start = NewEvent(EventKind.RUN_STARTED, data=store.beginning(run, files))
                copy.chain(start, part[0].at)
            copy.take_over(part, fork)
    # Set this before the note is chained: events after this number are the fork's own, and the note
    # is the first.
    run.carried_seq = copy.seq
    run.base_seq = 1 if fork.origin.base_seq else 0  # event 1 is the fork's own start
    last = copy.chain(note, store.now)
    others = [file for file in store.files_of(fork.origin) if file.digest in named]
    # Rows of waits refer to their opening event by number, and the copy has other numbers.
    shift = run.base_seq - fork.origin.base_seq
    closed = [_closed(entry, shift) for entry in fork.carried.closed]
    insert_queued(store, run, last, [*dict.fromkeys([*files, *others])], closed=closed)


def _closed(entry: Entry, shift: int) -> tuple[dict[str, Any], Event, Event]:
    """Return a row's fields and two events for a wait whose outcome the fork takes over.

    The two events opened and closed the wait.
    """
    opened = entry.events[0]
    return cells_of(opened.content, entry.key, opened.seq + shift), opened, entry.last


def _named_in(event: Event) -> set[str]:
    """Return the digests of the files that an event names, even in values stored elsewhere."""
    store, texts = file_store(), [event.data]
    if store:
        elsewhere = ANYTHING_ELSEWHERE.findall(event.data)
        texts += [store.get(digest).decode() for digest in elsewhere]
    return {digest for text in texts for digest in A_FILE.findall(text)}


class _Copy:
    """The journal of a fork while it is written.

    It consists of the fork's own start, the events it takes over, and a note of who asked for it.
    Each event is hashed for its place in this journal.
    """

    def __init__(self, store: Store, run: RunRow) -> None:
        self._store, self._run, self._id = store, run, str(run.pk)
        self.seq, self.head = 0, ""

    def chain(self, draft: NewEvent, at: datetime) -> Event:
        """Add an event of the fork itself: its start, with the original's time, or the note."""
        key, head = self._store.key, self.head
        events = chained([draft], run_id=self._id, after=self.seq, at=at, head=head, key=key)
        self._keep(events)
        return events[0]

    def take_over(self, events: Iterable[Event], fork: Fork) -> None:
        """Add the original run's events except its start, because the fork has its own start."""
        kept, seq, head = list[Event](), self.seq, self.head
        for event in events:
            if event.kind != EventKind.RUN_STARTED:
                seq, one = seq + 1, as_taken(event, fork)
                kept.append(moved(one, run_id=self._id, seq=seq, head=head, key=self._store.key))
                head = kept[-1].hash
        self._keep(kept)

    def _keep(self, events: Sequence[Event]) -> None:
        if events:
            self._store.insert_events(self._run, events)
            self.seq, self.head = events[-1].seq, events[-1].hash


def carried(events: Iterable[Event], at: str, *, keep_answers: bool) -> Carried:
    """Return which waits of the original run are asked again in the fork, and which are kept.

    Only waits that were opened before the fork point count. Raises `ForkRefusedError` if a child
    was still running then, because the fork would repeat its work.
    """
    # Stream the events and keep only these kinds, because the journal may be too long for memory.
    history = History(event for event in events if event.kind in TOLD)
    waits = [entry for entry in history.entries.values() if entry.family != "step"]
    for entry in waits:
        if entry.family == "child" and not (entry.is_closed or entry.is_asked_again):
            raise ForkRefusedError(
                f"The child {entry.key} was still running when the run reached {at}. "
                f"Fork the run at {entry.key} or earlier."
            )
    again = dict.fromkeys(entry.key for entry in waits if not entry.is_closed)
    if not keep_answers:
        again |= dict.fromkeys(_to_answer_anew(history, waits))
    return Carried(list(again), [entry for entry in waits if entry.key not in again])


def as_taken(event: Event, fork: Fork) -> Event:
    """Return the event as the fork stores it: with the fork's starter and inputs."""
    content = event.content
    match event.kind:
        case EventKind.RUN_CONTINUED:
            content.pop("inputs" + ELSEWHERE, None)
            content |= {"by": fork.by, **packed("inputs", fork.inputs)}
        case EventKind.WAIT_CLOSED:
            # In a fork of a fork, this still names the first run, to which the answer was given.
            content.setdefault(CARRIED_FROM, str(fork.origin.pk))
        case _:
            return event
    return event._replace(data=canonical.text_of(content))


def _to_answer_anew(history: History, waits: Sequence[Entry]) -> Iterator[str]:
    """Yield the keys of questions, of sets they decided, and of waits that these sets withdrew.

    Questions to operators about a step whose outcome was unknown aren't asked again, because their
    answers are facts.
    """
    questions = {entry.key for entry in waits if _is_asked(entry) and not _is_doubt(history, entry)}
    yield from questions
    for entry in waits:
        over = _opened(entry).get("over", ())
        if questions.intersection(over):
            yield entry.key
            yield from (key for key in over if _is_withdrawn(history.entries.get(key)))


def _is_asked(entry: Entry) -> bool:
    return bool(_opened(entry)["wait"] == "request")


def _is_doubt(history: History, entry: Entry) -> bool:
    above = history.entries.get(entry.key.rpartition("/")[0])
    return above is not None and above.family == "step"


def _is_withdrawn(entry: Entry | None) -> bool:
    if entry is None or not entry.is_closed:
        return False
    return bool(entry.last.content["outcome"] == "withdrawn")


def _opened(entry: Entry) -> dict[str, Any]:
    return entry.events[0].content

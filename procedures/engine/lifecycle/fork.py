"""Forks: new runs that take over the journal of another run, up to one of its steps or waits."""

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
"""The key in a `wait.closed` event for the id of the run in which the wait was closed.

Only events that a fork has taken over have this key.
"""
ABOUT_WAITS = {*OPENING, EventKind.STEP_STARTED, EventKind.WAIT_CLOSED, EventKind.OPERATOR}
"""The kinds of events that say which waits are open, closed, or to be opened again."""


A_FILE = re.compile(r'"digest":"([0-9a-f]{64})"')
ANYTHING_ELSEWHERE = re.compile(rf'"\w+{ELSEWHERE}":"([0-9a-f]{{64}})"')


class ForkRefusedError(EngineError):
    """The run can't be forked at the step or wait that was asked for; the message says why."""


class UnknownPlaceError(ForkRefusedError):
    """Since the run last continued as new, it hasn't reached the step or wait to fork it at."""

    def __init__(self, at: str) -> None:
        super().__init__(
            f"The run hasn't reached a step or wait called {at!r} since it last continued as new."
        )


@dataclass(frozen=True)
class CarriedWaits:
    """The waits among the events that a fork takes over, and what becomes of each wait."""

    again: Sequence[str]
    """The keys of the waits that the fork opens again.

    They were still open, or their question is to be asked again.
    """
    closed: Sequence[Entry]
    """The closed waits whose outcome the fork keeps."""


@dataclass(frozen=True)
class Fork:
    """A fork to be made: what it takes over from its original run, and what is different."""

    origin: RunRow
    until: int
    """The number of the first event of the original run that the fork doesn't take over."""
    carried: CarriedWaits
    inputs: str
    """The inputs of the fork as canonical JSON text, which contains even large values."""
    by: str
    """The name of the person who starts the fork."""


def belongs_to(event: Event, at: str) -> bool:
    """Return True if the event is part of the step, wait, child or gather with the key `at`."""
    is_of_it = event.key == at or event.key.startswith(f"{at}/")
    return is_of_it and event.kind in STRICT and not event.key.startswith(UNDO)


def first_of(store: Store, origin: RunRow, events: Iterable[Event], at: str) -> Event:
    """Return the first event of the step or wait `at`, at which the run is to be forked.

    The fork takes over the events before it. Events from before the last `continue_as_new` don't
    count.

    Raises `UnknownPlaceError` if no event belongs to `at`. Raises `ForkRefusedError` if the run's
    earlier steps were undone, or will be because the run is being cancelled.
    """
    first = next((event for event in events if belongs_to(event, at)), None)
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


def note_of(payload: dict[str, Any]) -> NewEvent:
    """Return the event that records who started a fork or a restart, and why."""
    return NewEvent(EventKind.OPERATOR, name=payload["action"], data=payload)


def events_taken_over(store: Store, origin: RunRow, until: int) -> Iterator[Event]:
    """Yield the events of the original run that a fork takes over.

    They have numbers below `until`, and begin with the last `continue_as_new` of the original run,
    if it has continued as new.
    """
    return chain.from_iterable(store.event_parts(origin, until))


def begin_fork(
    store: Store, run: RunRow, fork: Fork, note: NewEvent, *, files: "Sequence[File]" = ()
) -> None:
    """Insert and queue a new run that is a fork, with its events, waits and files.

    `note` is the event that records who started the fork. `files` are the files in the fork's
    inputs.
    """
    copy, named = _Copy(store, run), set[str]()
    with store.use_files():
        for part in store.event_parts(fork.origin, fork.until):
            named.update(*map(_file_digests_in, part))
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
    """Return the row's fields, the opening and the closing event of a wait that a fork keeps.

    `shift` is the difference between an event's number in the fork and in the original run.
    """
    opened = entry.events[0]
    return cells_of(opened.content, entry.key, opened.seq + shift), opened, entry.last


def _file_digests_in(event: Event) -> set[str]:
    """Return the digests of the files to which an event refers.

    If an event holds only the digest of a large value, the value is loaded and searched, too.
    """
    store, texts = file_store(), [event.data]
    if store:
        elsewhere = ANYTHING_ELSEWHERE.findall(event.data)
        texts += [store.get(digest).decode() for digest in elsewhere]
    return {digest for text in texts for digest in A_FILE.findall(text)}


class _Copy:
    """The journal of a fork, while its events are being inserted.

    The first event is the fork's own start. The events taken over from the original run follow, and
    then the note of who started the fork. Each event gets a new number and hash for this journal.
    """

    def __init__(self, store: Store, run: RunRow) -> None:
        self._store, self._run, self._id = store, run, str(run.pk)
        self.seq, self.head = 0, ""

    def chain(self, draft: NewEvent, at: datetime) -> Event:
        """Append an event of the fork's own: its start or the note.

        The start has the time of the first event that the fork takes over. The note has the present
        time.
        """
        key, head = self._store.key, self.head
        events = chained([draft], run_id=self._id, after=self.seq, at=at, head=head, key=key)
        self._keep(events)
        return events[0]

    def take_over(self, events: Iterable[Event], fork: Fork) -> None:
        """Append the original run's events, except `run.started`, because the fork has its own."""
        kept, seq, head = list[Event](), self.seq, self.head
        for event in events:
            if event.kind != EventKind.RUN_STARTED:
                seq, one = seq + 1, stored_in_fork(event, fork)
                kept.append(moved(one, run_id=self._id, seq=seq, head=head, key=self._store.key))
                head = kept[-1].hash
        self._keep(kept)

    def _keep(self, events: Sequence[Event]) -> None:
        if events:
            self._store.insert_events(self._run, events)
            self.seq, self.head = events[-1].seq, events[-1].hash


def carried(events: Iterable[Event], at: str, *, keep_answers: bool) -> CarriedWaits:
    """Return which waits of the original run the fork opens again, and which of them it keeps.

    `events` are the events that the fork takes over. If `keep_answers` is False, all questions are
    asked again. Raises `ForkRefusedError` if a child is still running at the end of these events,
    because the fork would start the same child a second time.
    """
    # Stream the events and keep only these kinds, because the journal may be too long for memory.
    history = History(event for event in events if event.kind in ABOUT_WAITS)
    waits = [entry for entry in history.entries.values() if entry.family != "step"]
    for entry in waits:
        if entry.family == "child" and not (entry.is_closed or entry.is_asked_again):
            raise ForkRefusedError(
                f"The child {entry.key} was still running when the run reached {at}. "
                f"Fork the run at {entry.key} or earlier."
            )
    again = dict.fromkeys(entry.key for entry in waits if not entry.is_closed)
    if not keep_answers:
        again |= dict.fromkeys(_keys_to_ask_again(history, waits))
    return CarriedWaits(list(again), [entry for entry in waits if entry.key not in again])


def stored_in_fork(event: Event, fork: Fork) -> Event:
    """Return an event of the original run as the fork stores it.

    A `run.continued` event gets the fork's inputs and the name of the person who starts the fork. A
    `wait.closed` event gets the id of the run in which the wait was closed. Other events are stored
    unchanged.
    """
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


def _keys_to_ask_again(history: History, waits: Sequence[Entry]) -> Iterator[str]:
    """Yield the keys of the waits that a fork opens again because their questions are asked again.

    They are the questions themselves, the sets of waits that contain them, and the waits that were
    withdrawn when such a set was decided. Questions to operators about a step whose outcome was
    unknown are left out, because their answers state what has happened.
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

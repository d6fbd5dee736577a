"""Forks: taking over another run's journal up to one of its steps or waits."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import EngineError
from procedures.engine.journal.events import OPENING, Event, EventKind, NewEvent, chained, moved
from procedures.engine.journal.large import ELSEWHERE, packed
from procedures.engine.lifecycle.runs import is_over, is_undone, undone_since
from procedures.engine.replay.history import STRICT, UNDO, Entry, History
from procedures.engine.store import RunRow, Store
from procedures.engine.values import canonical

if TYPE_CHECKING:
    from procedures.engine.values.files import File

CARRIED_FROM = "carried_from"
"""The key under which an outcome names the other run it comes from."""
TOLD = {*OPENING, EventKind.STEP_STARTED, EventKind.WAIT_CLOSED, EventKind.OPERATOR}
"""Kinds of events that say which waits are open, closed, or to be asked again."""


class ForkRefusedError(EngineError):
    """A run can't be forked there; the message says why."""


class UnknownPlaceError(ForkRefusedError):
    """A run has never reached the place where it is to be forked."""

    def __init__(self, at: str) -> None:
        super().__init__(f"Since it last began anew the run came to no step or wait called {at!r}.")


@dataclass(frozen=True)
class Carried:
    """The waits that the other run had opened before the fork point."""

    again: Sequence[str]
    """The keys of waits the fork opens anew: open ones, and those to be answered again."""
    closed: Sequence[Entry]
    """The waits whose outcome it keeps."""


def begins(event: Event, at: str) -> bool:
    """Return True if the event belongs to the step, wait, child or gather of that key."""
    is_of_it = event.key == at or event.key.startswith(f"{at}/")
    return is_of_it and event.kind in STRICT and not event.key.startswith(UNDO)


def first_of(store: Store, origin: RunRow, events: Iterable[Event], at: str) -> Event:
    """Return the first event of that key since the run last continued as new.

    A fork takes over what is before it.

    Raises `UnknownPlaceError` if the run never was there, and `ForkRefusedError` if what it did
    before is undone or will be.
    """
    first = next((event for event in events if begins(event, at)), None)
    if first is None:
        raise UnknownPlaceError(at)
    is_to_end = origin.cancel_requested_at is not None and not is_over(origin)
    if (is_to_end or is_undone(store, origin)) and store.has_event(
        origin, after=undone_since(origin), before=first.seq, kind=EventKind.COMPENSATION
    ):
        raise ForkRefusedError(
            f"What it did before {at} has been undone, or is to be: restart it, or fork it earlier."
        )
    return first


def start_of(store: Store, run: RunRow, files: "Sequence[File]" = ()) -> NewEvent:
    """Return the first event of a fork."""
    return NewEvent(EventKind.RUN_STARTED, data=store.beginning(run, files))


def note_of(said: dict[str, Any]) -> NewEvent:
    """Return the event that says who wants a fork or a restart, and why."""
    return NewEvent(EventKind.OPERATOR, name=said["action"], data=said)


class Copy:
    """The journal of a fork while it is written.

    It holds the fork's own start, the events taken over, and who wants it. Each event is chained
    for its place there.
    """

    def __init__(
        self, run_id: str, *, key: bytes, write: Callable[[Sequence[Event]], object]
    ) -> None:
        self._id, self._key, self._write = run_id, key, write
        self.seq, self.head = 0, ""

    def chain(self, draft: NewEvent, at: datetime) -> None:
        """Add an event of the fork's own: its start, at its origin's time, or who wants it."""
        run_id, key = self._id, self._key
        self._keep(chained([draft], run_id=run_id, after=self.seq, at=at, head=self.head, key=key))

    def take_over(self, events: Iterable[Event], *, origin: str, by: str, inputs: str) -> None:
        """Add the events of another run except its start, as the fork has a start of its own."""
        kept, seq, head = list[Event](), self.seq, self.head
        for event in events:
            if event.kind != EventKind.RUN_STARTED:
                seq, one = seq + 1, as_taken(event, origin=origin, by=by, inputs=inputs)
                kept.append(moved(one, run_id=self._id, seq=seq, head=head, key=self._key))
                head = kept[-1].hash
        self._keep(kept)

    def _keep(self, events: Sequence[Event]) -> None:
        if events:
            self._write(events)
            self.seq, self.head = events[-1].seq, events[-1].hash


def carried(events: Iterable[Event], at: str, *, keep_answers: bool) -> Carried:
    """Return what to do about the waits among the events before the fork point.

    Raises `ForkRefusedError` if a child was at work then, because a fork would repeat its work.
    """
    # Only these kinds, and streamed: the journal may be long, and a fork must not hold all of it.
    history = History(event for event in events if event.kind in TOLD)
    waits = [entry for entry in history.entries.values() if entry.family != "step"]
    for entry in waits:
        if entry.family == "child" and not (entry.is_closed or entry.is_asked_again):
            raise ForkRefusedError(
                f"Its child {entry.key} was at work when it came to {at}: "
                f"fork it at {entry.key}, or earlier."
            )
    again = dict.fromkeys(entry.key for entry in waits if not entry.is_closed)
    if not keep_answers:
        again |= dict.fromkeys(_to_answer_anew(history, waits))
    return Carried(list(again), [entry for entry in waits if entry.key not in again])


def as_taken(event: Event, *, origin: str, by: str, inputs: str) -> Event:
    """Return the event as the fork keeps it: started by `by`, with these inputs."""
    content = event.content
    match event.kind:
        case EventKind.RUN_CONTINUED:
            content.pop("inputs" + ELSEWHERE, None)
            content |= {"by": by, **packed("inputs", inputs)}
        case EventKind.WAIT_CLOSED:
            # A fork of a fork: the answer was given to the first of them.
            content.setdefault(CARRIED_FROM, origin)
        case _:
            return event
    return event._replace(data=canonical.text_of(content))


def _to_answer_anew(history: History, waits: Sequence[Entry]) -> Iterator[str]:
    """Yield the questions, the sets they decided, and the waits these have withdrawn.

    Answers about a step in doubt are facts and stay.
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

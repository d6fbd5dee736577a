"""The protocol by which the rules of `lifecycle` use a store: rows, and no rules.

Everything happens in a transaction of the caller's. A run is locked before its children, and the
children before anything of the run is closed: closing a question locks its session, the last lock
of all.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from procedures.engine.journal.events import Batch, Event, NewEvent

if TYPE_CHECKING:
    from procedures.engine.values.files import File

Row: TypeAlias = Any
"""A row that this store has returned."""


class RunRow(Protocol):
    """A run as a store keeps it."""

    status: Any
    epoch: int
    base_seq: int
    """The number of the last event that is no longer read."""
    carried_seq: int
    """The number of the last event that a fork took over."""
    wake_at: datetime | None
    ends_at: datetime | None
    result: str | None
    leased_until: datetime | None
    queued_at: datetime | None
    ended_at: datetime | None
    reached_at: datetime | None
    cancel_requested_at: datetime | None
    pause_requested_at: datetime | None
    paused_as: str
    """The status in which it continues when it is unpaused."""
    is_left_without_storage: bool
    parent_number: int

    @property
    def pk(self) -> Any: ...
    @property
    def parent_wait(self) -> "WaitRow | None": ...


class WaitRow(Protocol):
    """A wait as a store keeps it."""

    begun: int
    """The number of a map's children that have begun."""
    ended: int
    """The number of a map's children that have ended."""
    is_behind: bool
    """True if more children of the map are to begin."""

    @property
    def pk(self) -> Any: ...
    @property
    def run_id(self) -> Any: ...
    @property
    def run(self) -> RunRow: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def need(self) -> int | None: ...
    @property
    def signal(self) -> str: ...
    @property
    def abandons(self) -> bool: ...
    @property
    def part_of(self) -> "WaitRow | None": ...
    @property
    def is_open(self) -> bool: ...
    def opening(self) -> Mapping[str, Any]: ...


class PendingRow(Protocol):
    """An input from outside that is not in the run's journal yet."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def content(self) -> dict[str, Any]: ...


class InputRow(PendingRow, Protocol):
    """The row of an input from outside."""

    @property
    def wait(self) -> WaitRow | None: ...


class SignalRow(Protocol):
    """A kept signal."""

    @property
    def name(self) -> str: ...
    @property
    def signal_id(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def responder_id(self) -> Any:
        """The id of the person who sent it, as plain JSON; None for a run."""
        ...

    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True)
class SentSignal:
    """A signal to keep; the same id counts once."""

    name: str
    signal_id: str
    value: str
    """Canonical JSON text."""
    sender: str
    sent_by: Any = None
    """The person, if a person sent it."""
    error: str = ""


class Runs(Protocol):
    """The rows of runs, and their journals."""

    @property
    def now(self) -> datetime:
        """The one time of everything in this transaction, by the storage's clock."""
        ...

    def lease_end(self) -> datetime:
        """Return the end of a lease that begins now."""
        ...

    def beginning(self, run: Row, files: "Sequence[File]") -> dict[str, Any]:
        """Return the content of the first event: the starter, the files, seals of what is fixed."""
        ...

    def insert_run(self, run: Row, drafts: Sequence[NewEvent], files: "Sequence[File]") -> None:
        """Keep a new run with its first events and its files."""
        ...

    def find_run(self, run_id: Any) -> RunRow:
        """Return the run as it is, without a lock."""
        ...

    def lock_run(self, run_id: Any) -> RunRow:
        """Lock the run until the end of the transaction, and return it."""
        ...

    def lock_below(self, run: Row, keys: Collection[str] | None = None) -> None:
        """Lock the runs below its open waits, or those of these keys, that may be asked to end."""
        ...

    def lock_family(self, run: Row) -> None:
        """Lock the runs below all its waits, closed ones too, that may be asked to end."""
        ...

    def family(self, run: Row) -> Sequence[RunRow]:
        """Lock and return the runs below it that continue, and ended ones above them.

        Others may be left out.
        """
        ...

    def below(self, run: Row) -> Sequence[RunRow]:
        """Return the children of all its waits, in order.

        Ended ones without children may be left out.
        """
        ...

    def lock_journal(self, run: Row) -> None:
        """Keep a worker whose lease has expired from appending until the transaction ends."""
        ...

    def save(self, run: Row, *names: str) -> None:
        """Save these fields of the run."""
        ...

    def hold(self, run: Row) -> None:
        """Save that its next writer holds the run; earlier writers can append nothing more."""
        ...

    def revoke_lease(self, run: Row) -> None:
        """Revoke its worker's lease; the claim still counts."""
        ...

    def rest(self, run: Row) -> None:
        """Take the run from its worker, without counting a claim."""
        ...

    def release(self, run: Row, error: Mapping[str, Any] | None) -> None:
        """Save how its worker releases the run, and that no step is being worked on."""
        ...

    def refresh(self, run: Row) -> None:
        """Read the run again, after a change to it was undone."""
        ...

    def error_of(self, run: Row) -> Mapping[str, Any]:
        """Return the error by which the run failed, or an empty mapping."""
        ...

    def forget_error(self, run: Row) -> None:
        """Empty the error of the row; `save` keeps that."""
        ...

    def is_asked_to_stop(self, run: Row) -> bool:
        """Return True if the run is asked to end or to pause, also since it was claimed."""
        ...

    def events(self, run: Row) -> Sequence[Event]:
        """Return its journal since it last continued as new."""
        ...

    def has_event(
        self, run: Row, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        """Return True if the journal has such an event between these two numbers.

        `kind` is the event's kind, `prefix` the beginning of its key; without `before` there is no
        upper limit.
        """
        ...

    def write(self, run: Row, batch: Batch) -> Sequence[Event]:
        """Append the batch's events for its writer, and release the run if the batch says so."""
        ...

    def keep_files(self, run: Row, files: "Sequence[File]") -> None: ...
    def use_files(self) -> AbstractContextManager[None]:
        """Give access to large values inside the block, to read them and to put them aside."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside the block, and only that, if a layer above refuses it."""
        ...

    def regardless(self) -> "Store":
        """Return the store for acts that no layer above may refuse."""
        ...

    def after_commit(self, act: "Callable[[Store], bool]") -> None:
        """Call the act after this commit, in transactions of its own, as long as it returns True.

        The call may get lost.
        """
        ...

    def call_workers(self, run: Row) -> None:
        """Tell the workers of a queued run after the commit."""
        ...

    def tell_started(self, run: Row) -> None: ...
    def tell_notice(self, run: Row, text: str, level: str) -> None: ...
    def tell_ended(self, run: Row) -> None: ...
    def refusal(self, run: Row, to: str) -> str:
        """Return why a run may not reach another one, as a sentence, or "" if it may."""
        ...


class Inputs(Protocol):
    """The rows of inputs that come to runs from outside."""

    def run_key(self, run_id: str) -> Any:
        """Return the key of the run that an event names by its id."""
        ...

    def put_input(
        self,
        run_id: Any,
        draft: NewEvent,
        *,
        wait: Row = None,
        at: datetime | None = None,
        is_counted: bool = False,
    ) -> None:
        """Keep an input for the journal of a run; `wait` is the wait whose child has ended."""
        ...

    def inputs(self, run: Row, kind: str) -> Sequence[InputRow]:
        """Return the inputs of that kind that are not in the journal yet."""
        ...

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """Return all inputs that are not in the journal yet, in the order in which they came."""
        ...

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append the events of these inputs for its writer, and note them as taken."""
        ...

    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Note that these inputs were brought to the run, which no event says of each."""
        ...

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Keep these ends of children as history that no longer counts."""
        ...

    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """Return the ends of its children that count, the newest last.

        With `names` only those of these numbers.
        """
        ...

    def is_called(self, run: Row) -> bool:
        """Return True if an input has come that is not in the journal yet."""
        ...

    def left_at_end(self, run: Row, kind: str) -> tuple[bool, bool]:
        """Return whether an input of that kind isn't in the journal, and whether a wait is open."""
        ...

    def last_told(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """Return the content of the last input of that kind and name, or an empty dictionary."""
        ...


class Waits(Protocol):
    """The rows of waits, of their children, and of signals."""

    def insert_wait(self, run: Row, event: Event, content: Mapping[str, Any]) -> WaitRow: ...
    def tell_opened(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None: ...
    def open_waits(self, run: Row, *, kind: str = "", signal: str = "") -> Sequence[WaitRow]:
        """Return its open waits, in the order in which they were opened."""
        ...

    def latest_wait(self, run: Row, key: str) -> WaitRow | None:
        """Return the wait of that key that was opened last."""
        ...

    def close_wait(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Keep how an open wait is closed, and tell the layers above."""
        ...

    def reopen_wait(self, run: Row, wait: Row) -> None: ...
    def closing_of(self, wait: Row) -> Mapping[str, Any]:
        """Return how a closed wait was closed."""
        ...

    def put_in_set(self, whole: Row, wait: Row) -> None: ...
    def gather(self, whole: Row, keys: Collection[str]) -> None:
        """Make the newest waits of these keys the parts of the set."""
        ...

    def leave_set(self, wait: Row) -> None: ...
    def leave_sets(self, run: Row, key: str) -> None:
        """Take all waits of that key, closed ones too, out of their sets."""
        ...

    def count_closed(self, whole: Row) -> int: ...
    def first_closed(self, whole: Row, count: int) -> Sequence[WaitRow]:
        """Return the parts of the set that were closed first, at most `count`, in that order."""
        ...

    def open_parts(self, whole: Row) -> Sequence[WaitRow]: ...
    def insert_children(
        self,
        run: Row,
        wait: Row,
        procedure: str,
        inputs: Sequence[str],
        *,
        start: int = 0,
        run_id: str = "",
    ) -> None:
        """Keep a queued child for each of the inputs, numbered from `start`."""
        ...

    def save_counts(self, wait: Row) -> None: ...
    def has_children(self, wait: Row) -> bool: ...
    def children_of(self, wait: Row) -> Sequence[RunRow]:
        """Return its children in order; ended ones, and those asked to end, may be left out."""
        ...

    def children_with_result(self, wait: Row) -> Sequence[RunRow]: ...
    def numbers_of(self, wait: Row) -> tuple[set[int], set[int]]:
        """Return the numbers in which a child has a result, and those in which none has."""
        ...

    def without_result(self, wait: Row) -> Sequence[RunRow]:
        """Lock and return the newest child of each number in which none has a result."""
        ...

    def find_signal(self, run: Row, name: str, signal_id: str) -> SignalRow | None: ...
    def keep_signal(self, run: Row, sent: SentSignal) -> SignalRow: ...
    def unread(self, run: Row, name: str) -> Iterable[SignalRow]:
        """Return the signals that no wait has taken yet, in the order in which they came."""
        ...

    def read_by(self, signal: Row, wait: Row) -> None: ...
    def skip(self, run: Row, signal: Row, why: str) -> None: ...
    def last_read(self, run: Row, key: str) -> SignalRow | None:
        """Return the signal with which the newest wait of that key was closed."""
        ...


class Store(Runs, Inputs, Waits, Protocol):
    """Everything that the rules need of a store."""

"""The protocol through which the rules of `lifecycle` use a store: rows, and no rule.

Everything happens in a transaction of the caller's. A run is locked before its children, and what
stands below it before anything of it is closed: closing a question locks its session, the last
lock of all.
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
"""A row that this store has given."""


class RunRow(Protocol):
    """A run as a store keeps it."""

    status: Any
    epoch: int
    base_seq: int
    """The number of the event before the one since which it is read."""
    carried_seq: int
    """The number of the last event that a fork has from another run."""
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
    """The status in which it goes on when it is unpaused."""
    is_left_without_storage: bool
    parent_number: int

    @property
    def pk(self) -> Any: ...
    @property
    def parent_wait(self) -> "WaitRow | None": ...


class WaitRow(Protocol):
    """A wait as a store keeps it."""

    begun: int
    """How many children of a map have begun."""
    ended: int
    """How many of these have ended."""
    is_behind: bool
    """Whether more of them are to begin."""

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
    """What has come to a run from outside, and is not in its journal yet."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def content(self) -> dict[str, Any]: ...


class InputRow(PendingRow, Protocol):
    """What has come to a run from outside, as a row."""

    @property
    def wait(self) -> WaitRow | None: ...


class SignalRow(Protocol):
    """A signal that was kept."""

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
    """A signal to be kept: the same id again counts once."""

    name: str
    signal_id: str
    value: str
    """Canonical JSON text."""
    sender: str
    sent_by: Any = None
    """The person, if it was one."""
    error: str = ""


class Runs(Protocol):
    """The rows of runs, and their journals."""

    @property
    def now(self) -> datetime:
        """When all of this transaction happens, by the storage's clock."""
        ...

    def lease_end(self) -> datetime:
        """When a lease ends that begins now."""
        ...

    def beginning(self, run: Row, files: "Sequence[File]") -> dict[str, Any]:
        """What its first event holds: who started it, its files, seals of what never changes."""
        ...

    def insert_run(self, run: Row, drafts: Sequence[NewEvent], files: "Sequence[File]") -> None:
        """Keep a new run with its first events and its files."""
        ...

    def find_run(self, run_id: Any) -> RunRow:
        """The run as it is, not locked."""
        ...

    def lock_run(self, run_id: Any) -> RunRow:
        """The run, locked until the end of the transaction."""
        ...

    def lock_below(self, run: Row, keys: Collection[str] | None = None) -> None:
        """Lock what may be asked to end below its open waits, or those of them with these keys."""
        ...

    def lock_family(self, run: Row) -> None:
        """Lock what may be asked to end below all its waits, closed ones too."""
        ...

    def family(self, run: Row) -> Sequence[RunRow]:
        """All that goes on below it, and what ended above that, locked; ended leaves may lack."""
        ...

    def below(self, run: Row) -> Sequence[RunRow]:
        """The children of all its waits, in order; ended ones without children may lack."""
        ...

    def lock_journal(self, run: Row) -> None:
        """Let a worker whose lease has passed append nothing more until the transaction ends."""
        ...

    def save(self, run: Row, *names: str) -> None:
        """Keep these of its fields."""
        ...

    def hold(self, run: Row) -> None:
        """Keep that its next writer holds it: whoever did before writes nothing more."""
        ...

    def revoke_lease(self, run: Row) -> None:
        """Take it from its worker; the claim counts."""
        ...

    def rest(self, run: Row) -> None:
        """Take it from its worker; no claim counts."""
        ...

    def release(self, run: Row, error: Mapping[str, Any] | None) -> None:
        """Keep how its worker lets go of it, and that nothing is worked on."""
        ...

    def refresh(self, run: Row) -> None:
        """Read it anew, after what was to be kept was not."""
        ...

    def error_of(self, run: Row) -> Mapping[str, Any]:
        """What it failed by; empty when it has not."""
        ...

    def forget_error(self, run: Row) -> None:
        """Empty that field of the row; `save` keeps it."""
        ...

    def is_asked_to_stop(self, run: Row) -> bool:
        """Whether it is to end or to pause, as of now: for good, or since it was claimed."""
        ...

    def events(self, run: Row) -> Sequence[Event]:
        """Its journal since it last began anew."""
        ...

    def has_event(
        self, run: Row, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        """Whether its journal has an event of that kind, or with such a key, between these."""
        ...

    def write(self, run: Row, batch: Batch) -> Sequence[Event]:
        """Append the batch's events for its writer, who lets go of it with them."""
        ...

    def keep_files(self, run: Row, files: "Sequence[File]") -> None: ...
    def use_files(self) -> AbstractContextManager[None]:
        """Inside the block large values can be read and put aside."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """What a layer above refuses inside of the block is undone, and nothing else."""
        ...

    def regardless(self) -> "Store":
        """The store for what no layer above may refuse."""
        ...

    def after_commit(self, act: "Callable[[Store], bool]") -> None:
        """Call it after this commit, in a transaction of its own, as long as it gives True.

        It may be lost on the way.
        """
        ...

    def call_workers(self, run: Row) -> None:
        """Send word of a queued run after the commit."""
        ...

    def tell_started(self, run: Row) -> None: ...
    def tell_notice(self, run: Row, text: str, level: str) -> None: ...
    def tell_ended(self, run: Row) -> None: ...
    def refusal(self, run: Row, to: str) -> str:
        """Why a run may not reach another one, in a sentence; "" when it may."""
        ...


class Inputs(Protocol):
    """The rows of what comes to runs from outside."""

    def run_key(self, run_id: str) -> Any:
        """The key of the run that an event names by its id."""
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
        """Keep what is to go into the journal of a run. `wait`: whose child's end it is."""
        ...

    def inputs(self, run: Row, kind: str) -> Sequence[InputRow]:
        """Those of that kind that are not in the journal yet."""
        ...

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """All that are not in the journal yet, in the order in which they came."""
        ...

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append the events that these inputs are, for its writer, and note them as taken."""
        ...

    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Note that these were taken in, which no event says of each."""
        ...

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Let these ends of children count no more."""
        ...

    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """The ends of its children that count, of all or of these numbers, the newest last."""
        ...

    def is_called(self, run: Row) -> bool:
        """Whether something has come that is not in the journal yet."""
        ...

    def left_at_end(self, run: Row, kind: str) -> tuple[bool, bool]:
        """Whether an input of that kind is not in the journal, and whether a wait is open."""
        ...

    def last_told(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """The content of the last input of that kind and name; empty when there was none."""
        ...


class Waits(Protocol):
    """The rows of waits, of their children, and of signals."""

    def insert_wait(self, run: Row, event: Event, content: Mapping[str, Any]) -> WaitRow: ...
    def tell_opened(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None: ...
    def open_waits(self, run: Row, *, kind: str = "", signal: str = "") -> Sequence[WaitRow]:
        """In the order in which they were opened."""
        ...

    def latest_wait(self, run: Row, key: str) -> WaitRow | None:
        """The one of that key that was opened last."""
        ...

    def close_wait(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Keep what became of an open wait, and tell the layers above."""
        ...

    def reopen_wait(self, run: Row, wait: Row) -> None: ...
    def closing_of(self, wait: Row) -> Mapping[str, Any]:
        """What became of a closed wait."""
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
        """So many of its parts, in the order in which they were closed."""
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
        """Keep a queued child for each of the inputs, from that number on."""
        ...

    def save_counts(self, wait: Row) -> None: ...
    def has_children(self, wait: Row) -> bool: ...
    def children_of(self, wait: Row) -> Sequence[RunRow]:
        """In order; ended ones, and those that are asked to end, may lack."""
        ...

    def children_with_result(self, wait: Row) -> Sequence[RunRow]: ...
    def numbers_of(self, wait: Row) -> tuple[set[int], set[int]]:
        """The numbers in which a child has a result, and those in which none has."""
        ...

    def without_result(self, wait: Row) -> Sequence[RunRow]:
        """The newest child of each number in which none has a result, locked."""
        ...

    def find_signal(self, run: Row, name: str, signal_id: str) -> SignalRow | None: ...
    def keep_signal(self, run: Row, sent: SentSignal) -> SignalRow: ...
    def unread(self, run: Row, name: str) -> Iterable[SignalRow]:
        """Those that nobody has waited for yet, in the order in which they came."""
        ...

    def read_by(self, signal: Row, wait: Row) -> None: ...
    def skip(self, run: Row, signal: Row, why: str) -> None: ...
    def last_read(self, run: Row, key: str) -> SignalRow | None:
        """The one that the newest wait of that key was closed with."""
        ...


class Store(Runs, Inputs, Waits, Protocol):
    """All that the rules need of a store."""

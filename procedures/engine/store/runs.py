"""The rows of runs and their journals, as the rules of `lifecycle` use them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from procedures.engine.journal.events import Batch, Event
from procedures.engine.store.rows import Row, RunRow

if TYPE_CHECKING:
    from procedures.engine.store import Store
    from procedures.engine.values.files import File


class Transaction(ABC):
    """One transaction; without one, every act stands at once and nobody else is told of it."""

    lease: timedelta
    """The time for which a worker holds a run before it must renew that."""

    @property
    @abstractmethod
    def now(self) -> datetime:
        """The one time of everything in this transaction, by the storage's clock."""

    @property
    @abstractmethod
    def key(self) -> bytes:
        """The key that events are marked with."""

    @abstractmethod
    def use_files(self) -> AbstractContextManager[None]:
        """Give access to large values inside the block, to read them and to put them aside."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside the block, and only that, if a layer above refuses it."""
        return nullcontext()

    def regardless(self) -> "Store":
        """Return the store for acts that no layer above may refuse."""
        return self  # type: ignore[return-value]  # the parts of a store are used together only

    def after_commit(self, act: "Callable[[Store], bool]") -> None:
        """Call the act after this commit, and again for as long as it returns True.

        Each call has a transaction of its own. If the process dies first, there is no call.
        """
        while act(self.regardless()):
            pass

    @abstractmethod
    def save(self, row: Row, *names: str) -> None:
        """Save these fields of a run, a wait or a signal."""

    @abstractmethod
    def refresh(self, run: Row) -> None:
        """Read the run again, after a change to it was undone."""

    @abstractmethod
    def call_workers(self, run: Row) -> None:
        """Tell the workers of a queued run after the commit."""

    @abstractmethod
    def tell_started(self, run: Row) -> None:
        """Tell the layers above of a new run."""

    @abstractmethod
    def tell_notice(self, run: Row, text: str, level: str) -> None:
        """Tell the layers above what a run says to people."""

    @abstractmethod
    def tell_opened(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Tell the layers above of a new wait."""

    @abstractmethod
    def tell_ended(self, run: Row) -> None:
        """Tell the layers above that a run has ended."""


class Runs(Transaction):
    """The rows of runs, and their journals."""

    @abstractmethod
    def beginning(self, run: Row, files: "Sequence[File]") -> dict[str, Any]:
        """Return the content of the first event: the starter, the files, seals of what is fixed."""

    @abstractmethod
    def insert_run(self, run: Row, last: Event) -> None:
        """Store a new run; `last` is the last of its first events."""

    @abstractmethod
    def insert_events(self, run: Row, events: Sequence[Event]) -> None:
        """Store events of a new run, which come marked and in order."""

    @abstractmethod
    def files_of(self, run: Row) -> "Sequence[File]": ...
    @abstractmethod
    def keep_files(self, run: Row, files: "Sequence[File]") -> None: ...
    @abstractmethod
    def find_run(self, run_id: Any) -> RunRow:
        """Return the run as it is, without a lock."""

    @abstractmethod
    def find_named(self, run_id: str) -> RunRow | None:
        """Return the run that an event or an author's code names, or None if there is none."""

    @abstractmethod
    def may_reach(self, run: Row, other: Row) -> bool:
        """Return True if the run's starter may send signals to the other run."""

    def lock_run(self, run_id: Any) -> RunRow:
        """Lock the run until the end of the transaction, and return it."""
        return self.find_run(run_id)

    @abstractmethod
    def lock_below(
        self, run: Row, keys: Collection[str] | None = None, *, are_closed: bool = False
    ) -> None:
        """Lock the runs that may be asked to end below its open waits, or those of these keys.

        With `are_closed` also those below its closed waits.
        """

    @abstractmethod
    def lock_journal(self, run: Row) -> None:
        """Keep a worker whose lease has expired from appending until the transaction ends."""

    # A writer's hold

    @abstractmethod
    def hold(self, run: Row) -> None:
        """Save that its next writer holds the run; earlier writers can append nothing more."""

    @abstractmethod
    def revoke_lease(self, run: Row) -> None:
        """Revoke its worker's lease; the claim still counts."""

    @abstractmethod
    def rest(self, run: Row) -> None:
        """Take the run from its worker, without counting a claim."""

    @abstractmethod
    def release(self, run: Row) -> None:
        """Save how its worker releases the run, and that no step is being worked on."""

    @abstractmethod
    def error_of(self, run: Row) -> Mapping[str, Any]:
        """Return the error by which the run failed, or an empty mapping."""

    @abstractmethod
    def set_error(self, run: Row, error: Mapping[str, Any] | None) -> None:
        """Set the error of the row; `save` and `release` keep that."""

    def is_asked_to_stop(self, run: Row) -> bool:
        """Return True if the run is asked to end or to pause, also since it was claimed."""
        return bool(run.cancel_requested_at or run.pause_requested_at)

    # Its journal

    @abstractmethod
    def events(self, run: Row) -> Sequence[Event]:
        """Return its journal since it last continued as new."""

    def event_parts(self, run: Row, before: int) -> Iterator[Sequence[Event]]:
        """Yield the events since it last continued as new, up to that number, in parts."""
        yield [event for event in self.events(run) if event.seq < before]

    def has_event(
        self, run: Row, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        """Return True if the journal has such an event between these two numbers.

        `kind` is the event's kind, `prefix` the beginning of its key; without `before` there is no
        upper limit. The first number is never below that of the last event that is no longer read.
        """
        found: Iterable[Event] = (event for event in self.events(run) if event.seq > after)
        found = (event for event in found if not before or event.seq < before)
        return any(kind in ("", one.kind) and one.key.startswith(prefix) for one in found)

    @abstractmethod
    def write(self, run: Row, batch: Batch) -> Sequence[Event]:
        """Append the batch's events for its writer, and release the run if the batch says so."""

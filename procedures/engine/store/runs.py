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
    """One transaction; in a store without transactions, calls take effect immediately."""

    lease: timedelta
    """The time for which a worker may hold a run without renewing its lease."""

    @property
    @abstractmethod
    def now(self) -> datetime:
        """The time of this transaction by the storage's clock; it is the same throughout."""

    @property
    @abstractmethod
    def key(self) -> bytes:
        """The secret key of the hashes of events."""

    @abstractmethod
    def use_files(self) -> AbstractContextManager[None]:
        """Give the code in the block access to the file store, where large values are stored."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Roll back the writes of the block alone if a layer around the store refuses them."""
        return nullcontext()

    def regardless(self) -> "Store":
        """Return the store without the layers around it, which may refuse operations."""
        return self  # type: ignore[return-value]  # the parts of a store are always used together

    def after_commit(self, act: "Callable[[Store], bool]") -> None:
        """Call `act` after this commit, and again for as long as it returns True.

        Each call has a transaction of its own. If the process dies first, `act` is never called.
        """
        while act(self.regardless()):
            pass

    @abstractmethod
    def save(self, row: Row, *names: str) -> None:
        """Save the named fields of a run, a wait or a signal."""

    @abstractmethod
    def refresh(self, run: Row) -> None:
        """Read the run's fields from the storage again, after a change to them was rolled back."""

    @abstractmethod
    def call_workers(self, run: Row) -> None:
        """Notify the workers of a queued run, after the commit."""

    @abstractmethod
    def tell_started(self, run: Row, files: "Sequence[File]") -> None:
        """Notify the layers above of a new run and its files."""

    @abstractmethod
    def tell_notice(self, run: Row, content: Mapping[str, Any]) -> None:
        """Notify the layers above of a message that a run posts, with the content of its event."""

    @abstractmethod
    def tell_read(self, run: Row, ids: Sequence[str]) -> None:
        """Notify the layers above that the run has read the messages with these ids."""

    @abstractmethod
    def tell_opened(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Notify the layers above of a new wait."""

    @abstractmethod
    def tell_ended(self, run: Row) -> None:
        """Notify the layers above that a run has ended."""


class Runs(Transaction):
    """The part of a store for the rows of runs and their journals."""

    @abstractmethod
    def beginning(self, run: Row, files: "Sequence[File]") -> dict[str, Any]:
        """Return the content of a run's first event: starter, files, and seals of fixed fields."""

    @abstractmethod
    def insert_run(self, run: Row, last: Event, events: Sequence[Event] = ()) -> None:
        """Insert a new run with these events; `last` is the last event of its journal."""

    @abstractmethod
    def insert_events(self, run: Row, events: Sequence[Event]) -> None:
        """Insert events of a new run; their numbers and hashes are already set."""

    @abstractmethod
    def files_of(self, run: Row) -> "Sequence[File]": ...
    @abstractmethod
    def keep_files(self, run: Row, files: "Sequence[File]") -> None: ...
    @abstractmethod
    def find_run(self, run_id: Any) -> RunRow:
        """Return the run without locking it."""

    @abstractmethod
    def find_named(self, run_id: str) -> RunRow | None:
        """Return the run with an id from an event or an author's code, or None if there is none."""

    @abstractmethod
    def may_reach(self, run: Row, other: Row) -> bool:
        """Return True if the starter of `run` may send signals to the other run."""

    def lock_run(self, run_id: Any) -> RunRow:
        """Lock a run until the end of the transaction, and return its row."""
        return self.find_run(run_id)

    @abstractmethod
    def lock_below(
        self, run: Row, keys: Collection[str] | None = None, *, are_closed: bool = False
    ) -> None:
        """Lock the runs that may have to end: those below open waits, or below the waits in `keys`.

        With `are_closed`, lock those below the run's closed waits as well.
        """

    @abstractmethod
    def lock_journal(self, run: Row) -> None:
        """Lock the journal, so that no worker with an expired lease can append to it now."""

    # Holds by writers

    @abstractmethod
    def hold(self, run: Row) -> None:
        """Record that the next writer holds the run; earlier writers can't append any more."""

    @abstractmethod
    def revoke_lease(self, run: Row) -> None:
        """Revoke the lease of the run's worker; its claim still counts as one without progress."""

    @abstractmethod
    def rest(self, run: Row) -> None:
        """Revoke the hold of the run's writer, and reset the count of claims without progress."""

    @abstractmethod
    def release(self, run: Row) -> None:
        """Save the run's fields when its worker releases it, and clear its current step."""

    @abstractmethod
    def error_of(self, run: Row) -> Mapping[str, Any]:
        """Return the error with which the run failed or was quarantined, or an empty mapping."""

    @abstractmethod
    def set_error(self, run: Row, error: Mapping[str, Any] | None) -> None:
        """Set the error in the row, without saving it; `save` or `release` does that."""

    def is_asked_to_stop(self, run: Row) -> bool:
        """Return True if the run was cancelled or is to be paused, even if only since its claim."""
        return bool(run.cancel_requested_at or run.pause_requested_at)

    # The journal

    @abstractmethod
    def events(self, run: Row) -> Sequence[Event]:
        """Return the run's events since it last continued as new."""

    def event_parts(self, run: Row, before: int) -> Iterator[Sequence[Event]]:
        """Yield the events before number `before` since the run last continued as new, in parts."""
        yield [event for event in self.events(run) if event.seq < before]

    def has_event(
        self, run: Row, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        """Return True if the journal has a matching event numbered between `after` and `before`.

        `kind` is the event's kind and `prefix` the beginning of its key. Without `before` there is
        no upper limit. `after` is at least `base_seq`, because earlier events are no longer loaded.
        """
        found: Iterable[Event] = (event for event in self.events(run) if event.seq > after)
        found = (event for event in found if not before or event.seq < before)
        return any(kind in ("", one.kind) and one.key.startswith(prefix) for one in found)

    @abstractmethod
    def write(self, run: Row, batch: Batch) -> Sequence[Event]:
        """Append the batch's events to the journal; if the batch has a handoff, release the run."""

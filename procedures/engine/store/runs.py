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
    """A transaction; in a store without transactions, each call takes effect immediately."""

    lease: timedelta
    """The time for which a worker holds a run after its claim, or after renewing its lease."""

    @property
    @abstractmethod
    def now(self) -> datetime:
        """The time by the storage's clock; it stays the same during the transaction."""

    @property
    @abstractmethod
    def key(self) -> bytes:
        """The secret key with which the hashes of events are computed."""

    @abstractmethod
    def use_files(self) -> AbstractContextManager[None]:
        """Give the code in the block access to the file store, which also holds large values."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what the block has written if the block raises an error, and keep earlier writes.

        Packages such as `chat` may refuse an operation by raising an error in the block.
        """
        return nullcontext()

    def regardless(self) -> "Store":
        """Return a store in which packages such as `chat` can't refuse any operation."""
        return self  # type: ignore[return-value]  # the parts of a store are always used together

    def after_commit(self, act: "Callable[[Store], bool]") -> None:
        """Call `act` with a store after the commit, in a transaction of its own.

        If `act` returns True, it is called again, in another transaction.

        If the process dies before the call, `act` isn't called at all.
        """
        while act(self.regardless()):
            pass

    @abstractmethod
    def save(self, row: Row, *names: str) -> None:
        """Save only the fields `names` of the row of a run, a wait or a signal."""

    @abstractmethod
    def refresh(self, run: Row) -> None:
        """Read the run's fields again, because changes to its row were rolled back."""

    @abstractmethod
    def call_workers(self, run: Row) -> None:
        """Tell the workers, after the commit, that the run is queued."""

    @abstractmethod
    def tell_started(self, run: Row, files: "Sequence[File]") -> None:
        """Notify packages such as `chat` of a new run and of the files in its inputs."""

    @abstractmethod
    def tell_notice(self, run: Row, content: Mapping[str, Any]) -> None:
        """Notify packages such as `chat` of a message that the run posts.

        `content` is the content of the message's event.
        """

    @abstractmethod
    def tell_read(self, run: Row, ids: Sequence[str]) -> None:
        """Notify packages such as `chat` that the run has read the messages with the ids `ids`."""

    @abstractmethod
    def tell_opened(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Notify packages such as `chat` of a new wait; `content` is that of its opening event."""

    @abstractmethod
    def tell_ended(self, run: Row) -> None:
        """Notify packages such as `chat` that the run has ended."""


class Runs(Transaction):
    """The methods of a store for the rows of runs, and for their journals."""

    @abstractmethod
    def beginning(self, run: Row, files: "Sequence[File]") -> dict[str, Any]:
        """Return the content of the event `run.started`: starter, files and seals of the run.

        A seal is a hash of a field that never changes, such as the inputs.
        """

    @abstractmethod
    def insert_run(self, run: Row, last: Event, events: Sequence[Event] = ()) -> None:
        """Insert the row of a new run, and `events`; `last` is the journal's last event."""

    @abstractmethod
    def insert_events(self, run: Row, events: Sequence[Event]) -> None:
        """Insert events of a new run, whose numbers and hashes are computed already."""

    @abstractmethod
    def files_of(self, run: Row) -> "Sequence[File]": ...
    @abstractmethod
    def keep_files(self, run: Row, files: "Sequence[File]") -> None: ...
    @abstractmethod
    def find_run(self, run_id: Any) -> RunRow:
        """Return the row of a run without locking the row."""

    @abstractmethod
    def find_named(self, run_id: str) -> RunRow | None:
        """Return the row of the run with this id, or None if there is no such run.

        The id comes from an event or from an author's code.
        """

    @abstractmethod
    def may_reach(self, run: Row, other: Row) -> bool:
        """Return True if the person who started `run` has access to the run `other`."""

    def lock_run(self, run_id: Any) -> RunRow:
        """Lock a run until the transaction ends, and return its row."""
        return self.find_run(run_id)

    @abstractmethod
    def lock_below(
        self, run: Row, keys: Collection[str] | None = None, *, are_closed: bool = False
    ) -> None:
        """Lock runs below `run`, because the caller may have to cancel them.

        These are the runs below the open waits of `run` or, with `keys`, below the waits with these
        keys. With `are_closed=True`, the runs below the closed waits are locked, too.
        """

    @abstractmethod
    def lock_journal(self, run: Row) -> None:
        """Lock the run's journal, so that no worker with an expired lease can append to it now."""

    # Holds by writers

    @abstractmethod
    def revoke_lease(self, run: Row) -> None:
        """Take the run away from its worker; the claim still counts as a claim without progress.

        A run is quarantined after several claims without progress.
        """

    @abstractmethod
    def rest(self, run: Row) -> None:
        """Take the run away from its claim, and set the number of claims without progress to 0."""

    @abstractmethod
    def release(self, run: Row) -> None:
        """Save the fields of a released run; its row no longer names a step as running."""

    @abstractmethod
    def error_of(self, run: Row) -> Mapping[str, Any]:
        """Return the error with which the run failed or was quarantined; {} if there is none."""

    @abstractmethod
    def set_error(self, run: Row, error: Mapping[str, Any] | None) -> None:
        """Set the error in the run's row; a later `save` or `release` stores it."""

    def is_asked_to_stop(self, run: Row) -> bool:
        """Return True if the run was cancelled or is to be paused.

        It makes no difference if that happened before or after the run's claim.
        """
        return bool(run.cancel_requested_at or run.pause_requested_at)

    # The journal

    @abstractmethod
    def events(self, run: Row) -> Sequence[Event]:
        """Return the run's events since the run last continued as new, or all if it never did."""

    def event_parts(self, run: Row, before: int) -> Iterator[Sequence[Event]]:
        """Yield the events with numbers below `before`, in lists that fit into memory.

        Events from before the run last continued as new are left out.
        """
        yield [event for event in self.events(run) if event.seq < before]

    def has_event(
        self, run: Row, *, after: int, before: int = 0, kind: str = "", prefix: str = ""
    ) -> bool:
        """Return True if the journal has an event of this kind, whose key begins with `prefix`.

        The event's number must be greater than `after` and, if `before` isn't 0, less than
        `before`. Without `kind`, events of all kinds count. `after` must not be less than the run's
        `base_seq`, because earlier events aren't loaded.
        """
        found: Iterable[Event] = (event for event in self.events(run) if event.seq > after)
        found = (event for event in found if not before or event.seq < before)
        return any(kind in ("", one.kind) and one.key.startswith(prefix) for one in found)

    @abstractmethod
    def write(self, run: Row, batch: Batch) -> Sequence[Event]:
        """Append a batch's events to the journal; if the batch has a handoff, release the run."""

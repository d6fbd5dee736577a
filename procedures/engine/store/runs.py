"""The rows of runs and their journals, as the rules of `lifecycle` use them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from procedures.engine.journal.events import Batch, Event, NewEvent
from procedures.engine.store.rows import Row, RunRow

if TYPE_CHECKING:
    from procedures.engine.store import Store
    from procedures.engine.values.files import File


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

"""The protocol through which the engine uses storage, for a worker that holds one run."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import Batch, Event, Piece, RunFacts, Working


class ConnectionStates(Protocol):
    """A record of the state of the database connections, made before an author's code runs."""

    def put_away(self) -> str:
        """Close what the author's code has left open since this record was made.

        Return a sentence about what was left open, for example a transaction; "" if nothing was.
        """
        ...


class Journal(Protocol):
    """The storage of one run, used by the one worker that has claimed the run."""

    run: RunFacts
    working: Working | None
    cancellation: Mapping[str, Any] | None
    """The person who cancelled the run, and the reason.

    It is None unless this claim must end the run because of the cancellation.
    """
    is_wanted_elsewhere: bool
    """True if this worker has had the run for a long time, and other runs wait for a worker.

    The run is released only after this claim has made progress. Otherwise a run with a long replay
    would be released again and again, and would never finish.
    """

    @property
    def parent_id(self) -> str | None:
        """The id of the run that started this one as its child, or None.

        The attribute `run` doesn't hold this id: every claim would have to read the id, and few
        claims need it.
        """
        ...

    @property
    def is_stopping(self) -> bool:
        """True if this process is stopping: no new attempt begins, and the run is released."""
        ...

    def was_told_since(self, moment: datetime) -> bool:
        """Return True if this process is ending, or got a signal such as SIGTERM after `moment`."""
        ...

    def connection_states(self) -> ConnectionStates:
        """Record the state of the storage's connections before an author's code runs."""
        ...

    def spend_process(self, why: str) -> None:
        """Have this process replaced by another one as soon as it has released the run.

        The reason is that an author's code has changed the process in a way that can't be undone.
        `why` names the change, and is written to the log.
        """
        ...

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        """Return a `StorageLost` if the storage of the engine caused the error; otherwise None.

        The storage causes an error if it is unreachable, full or broken.
        """
        ...

    @property
    def is_cancelled(self) -> bool:
        """True if the run was cancelled; the engine reads this between steps.

        The value may be up to a second old.
        """
        ...

    @property
    def is_paused(self) -> bool:
        """True if the run must be paused; the engine reads this between steps.

        The value may be up to a second old.
        """
        ...

    def now(self) -> datetime:
        """Return the time by the storage's clock, which leases, deadlines and events all use."""
        ...

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, which is at most 1, without releasing the run."""
        ...

    def load(self) -> list[Event]:
        """Return all events since the last `continue_as_new`.

        Some of them record what was sent to the run: answers, signals and operations.
        """
        ...

    def new_id(self) -> str:
        """Return an id for a new child run."""
        ...

    def status_of(self, run_id: str) -> str:
        """Return the current status of another run; "queued" if it isn't in the storage yet."""
        ...

    def unread_messages(self) -> list[dict[str, Any]]:
        """Return the messages that the run hasn't read (see `lifecycle.inbox`), oldest first."""
        ...

    def unread_signals(self, name: str) -> list[dict[str, Any]]:
        """Return the signals of that name that neither a wait nor `ctx.received` has taken.

        Signals that were sent as errors are left out (see `lifecycle.inbox`).
        """
        ...

    def refusal(self, run_id: str) -> str:
        """Return why this run has no access to another run, as a sentence; "" if it has access."""
        ...

    def transaction(self) -> AbstractContextManager[float | None]:
        """Return a context manager for a transaction around an author's code.

        The author's writes in the block and the engine's commit are stored together, or neither is
        stored. The context manager returns the number of seconds that the block may take, or None
        if the block may take any time.
        """
        ...

    def forgive_claim(self) -> None:
        """Don't count this claim as one without progress: the storage failed, not the worker.

        Three claims in a row without progress quarantine a run. The count is corrected as soon as
        the storage works again. The next claim then finds `RunFacts.is_left_without_storage` True.
        """
        ...

    def note_storage(self) -> None:
        """Clear the mark that the last worker released the run because the storage failed."""
        ...

    def show(self, piece: Piece) -> None:
        """Show people a piece of a running step's text, without waiting.

        Several threads may call this method. If a piece is lost, people see it when the step has
        ended, because the commit of the step's end stores the whole text.
        """
        ...

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        """Commit the batch, then end this process, whose main thread is stuck in an author's code.

        Another thread calls this method. If `is_stuck()` returns False, the author's code has
        returned in the meantime, and nothing happens.
        """
        ...

    def commit(self, batch: Batch) -> list[Event]:
        """Commit the whole batch, or nothing; raises `Fenced` if this worker has lost the run.

        Raises `Overtaken`, and stores nothing, in three cases:

        - The batch closes a wait that was closed from outside.
        - The batch opens a wait, sends something or continues as new, but the run was cancelled or
          paused after this worker had claimed it.
        - The batch ends the run, but an operator's request isn't in the journal yet.
        """
        ...

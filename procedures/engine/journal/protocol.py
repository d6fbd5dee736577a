"""The protocol through which the engine uses storage, for a worker that holds one run."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import Batch, Event, Piece, RunFacts, Working


class Standings(Protocol):
    """A record of the storage's connections, made before an author's code runs."""

    def put_away(self) -> str:
        """Close what the code left open since this record; return a sentence about it, or ""."""
        ...


class Journal(Protocol):
    """The storage of one run, used by the one worker that has claimed the run."""

    run: RunFacts
    working: Working | None
    cancellation: Mapping[str, Any] | None
    """The person who cancelled the run, and the reason; None if this claim isn't to end the run."""
    is_wanted_elsewhere: bool
    """True if this worker has had the run for a long time, and other runs wait for a worker.

    The run is released once this claim has made progress; without that condition, a run with a long
    replay would never finish.
    """

    @property
    def parent_id(self) -> str | None:
        """The id of the run that started this one as its child, or None.

        It isn't part of `run`, because every claim would have to read it and few need it.
        """
        ...

    @property
    def is_stopping(self) -> bool:
        """True if this process is stopping: no new attempt begins, and the run is released."""
        ...

    def was_told_since(self, moment: datetime) -> bool:
        """Return True if a SIGTERM or similar came since `moment`, or this process is ending."""
        ...

    def standings(self) -> Standings:
        """Record the state of the storage's connections before an author's code runs."""
        ...

    def spend_process(self, why: str) -> None:
        """Have this process replaced once it has released the run.

        An author's code has changed the process in a way that can't be undone; `why` says for the
        log what was changed.
        """
        ...

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        """Return a `StorageLost` if the error means our storage is unreachable, full or broken."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """True if the run was cancelled; read between steps, and at most a second out of date."""
        ...

    @property
    def is_paused(self) -> bool:
        """True if the run is to be paused; read between steps, and at most a second out of date."""
        ...

    def now(self) -> datetime:
        """Return the time by the storage's clock, which leases, deadlines and events all use."""
        ...

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, which is at most 1, without releasing the run."""
        ...

    def load(self) -> list[Event]:
        """Return all events since the last `continue_as_new`, including inputs from outside."""
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

    def refusal(self, run_id: str) -> str:
        """Return why this run has no access to another run, as a sentence; "" if it has access."""
        ...

    def transaction(self) -> AbstractContextManager[float | None]:
        """Commit the writes inside the block together with the engine's commit, or roll both back.

        Yields the number of seconds that the block may take, or None.
        """
        ...

    def forgive_claim(self) -> None:
        """Don't count this claim as one without progress, three of which quarantine a run.

        The storage was lost, and the worker is healthy. The claim is forgiven as soon as the
        storage works again, and the next claim finds `RunFacts.is_left_without_storage` True.
        """
        ...

    def note_storage(self) -> None:
        """Clear the mark that the last worker lost the storage, because the storage works again."""
        ...

    def show(self, piece: Piece) -> None:
        """Show people a piece of a running step's text, without waiting; the piece may be lost.

        Several threads may call it. The whole text is stored by the commit of the step's end.
        """
        ...

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        """Commit the batch from another thread, then end this process, whose worker is stuck.

        Nothing happens if `is_stuck` returns False: the code has come back meanwhile.
        """
        ...

    def commit(self, batch: Batch) -> list[Event]:
        """Commit the whole batch, or nothing; raises `Fenced` if this worker has lost the run.

        Raises `Overtaken`, and stores nothing, in three cases: the batch closes a wait that was
        closed from outside; it opens a wait, sends something or continues as new although the run
        was cancelled or paused since its claim; or it ends the run although an operator's request
        isn't in the journal yet.
        """
        ...

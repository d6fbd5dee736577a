"""The protocol by which the engine uses storage: one run held by one worker."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import Batch, Event, RunFacts, Working


class Standings(Protocol):
    """The state of a storage's connections before code ran."""

    def put_away(self) -> str:
        """Close what the code has left open since, and return it in words, or ""."""
        ...


class Journal(Protocol):
    """One run's storage, held by the one worker that claimed it."""

    run: RunFacts
    working: Working | None
    cancellation: Mapping[str, Any] | None
    """The canceller and the reason, if the run was claimed to undo its steps and end."""
    is_wanted_elsewhere: bool
    """True if the run has had its worker for long, and others wait for one.

    It is released once it has got further; otherwise a run with a long replay would never end.
    """

    @property
    def parent_id(self) -> str | None:
        """The id of the run that started this one as its child.

        It is not part of `run`, because few need it and every claim would read it.
        """
        ...

    @property
    def is_stopping(self) -> bool:
        """True if this process is to end: no new attempt begins, and the run is released."""
        ...

    def was_told_since(self, moment: datetime) -> bool:
        """Return True if the platform has signalled this process since then, or told it to stop."""
        ...

    def standings(self) -> Standings:
        """Return the state of the storage's connections, before an author's code runs."""
        ...

    def spend_process(self, why: str) -> None:
        """Have this process replaced once it has released the run.

        An author's code has changed it in a way that can't be undone; `why` describes it in the
        log.
        """
        ...

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        """Return a loss if this exception means our own storage is unreachable, full or broken."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """True if the run is to be cancelled; checked between steps, at most a second late."""
        ...

    @property
    def is_paused(self) -> bool:
        """True if the run is to be paused; checked in the same way."""
        ...

    def now(self) -> datetime:
        """Return the storage's own time, which leases, deadlines and events all follow."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait in place for at most a second."""
        ...

    def load(self) -> list[Event]:
        """Return all events since the last `continue_as_new`, inputs from outside included."""
        ...

    def new_id(self) -> str:
        """Return an id for a new child run."""
        ...

    def status_of(self, run_id: str) -> str:
        """Return the current status of another run; "queued" for one that is about to be kept."""
        ...

    def refusal(self, run_id: str) -> str:
        """Return why this run may not reach another one, in a sentence, or ""."""
        ...

    def transaction(self) -> AbstractContextManager[float | None]:
        """Commit what is written inside together with the commit inside, or not at all.

        Yields the seconds it may take, or None.
        """
        ...

    def forgive_claim(self) -> None:
        """Don't count this claim towards the poison limit.

        The storage was lost, and the worker is healthy. This takes effect soon; the next claim
        learns of it from `RunFacts.is_left_without_storage`.
        """
        ...

    def note_storage(self) -> None:
        """Forget that the last worker lost the storage, because it can be used again."""
        ...

    def abandon(self, batch: Batch) -> None:
        """Commit the batch from another thread and end this process: its worker is stuck."""
        ...

    def commit(self, batch: Batch) -> list[Event]:
        """Store all of the batch in one commit; raises `Fenced` if the run is no longer ours.

        Raises `Overtaken`, and keeps nothing, if a wait it closes has been closed from outside; if
        it opens one or continues as new although the run was cancelled or paused since its claim;
        or if it ends the run while the journal lacks an operator's act.
        """
        ...

"""The protocol through which the engine uses storage: one run in the hands of one worker."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import Batch, Event, RunFacts, Working


class Standings(Protocol):
    """How the connections of a storage stood before code ran."""

    def put_away(self) -> str:
        """Say what the code has left open since, "" if nothing, and put it away."""
        ...


class Journal(Protocol):
    """One run's storage, in the hands of the one worker that claimed it."""

    run: RunFacts
    working: Working | None
    cancellation: Mapping[str, Any] | None
    """Who asked and why, when the run was claimed to be undone and to end."""
    is_wanted_elsewhere: bool
    """Whether the run has had its worker for long, and others wait for one.

    It lets go when it has come further: else one whose replay takes long would never end.
    """

    @property
    def parent_id(self) -> str | None:
        """The id of the run that started this one as its child.

        No part of `run`: few ask for it, and a claim would read it each time.
        """
        ...

    @property
    def is_stopping(self) -> bool:
        """Whether this process is to end: no attempt begins any more, the run is let go of."""
        ...

    def was_told_since(self, moment: datetime) -> bool:
        """Whether the platform has signalled this process since then, or told it to stop."""
        ...

    def standings(self) -> Standings:
        """How the storage's connections stand now, before code of an author's runs."""
        ...

    def spend_process(self, why: str) -> None:
        """Have another process take this one's place once it has let go of the run.

        Code has changed it in a way that can't be set back: `why` says which, for the log.
        """
        ...

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        """What was lost when this exception means that our own storage is away, full or broken."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked the run to end: seen between steps, a second late at most."""
        ...

    @property
    def is_paused(self) -> bool:
        """Whether somebody asked the run to pause: seen in the same way."""
        ...

    def now(self) -> datetime:
        """The storage's own clock: leases, deadlines and events all follow it."""
        ...

    def pause(self, seconds: float) -> None:
        """Stay in place for at most a second."""
        ...

    def load(self) -> list[Event]:
        """Every event since the run last began anew, the inputs from outside among them."""
        ...

    def new_id(self) -> str:
        """The id of a child run to be."""
        ...

    def status_of(self, run_id: str) -> str:
        """The status of another run now; "queued" for one that is about to be kept."""
        ...

    def refusal(self, run_id: str) -> str:
        """Why this run may not reach another one, in a sentence; "" when it may."""
        ...

    def transaction(self) -> AbstractContextManager[float | None]:
        """What is written inside is committed together with the commit inside, or not at all.

        Gives the seconds it may last, or None.
        """
        ...

    def forgive_claim(self) -> None:
        """Count this claim for nothing, soon: its storage was lost, its worker lives.

        The next claim is told so: `RunFacts.is_left_without_storage`.
        """
        ...

    def note_storage(self) -> None:
        """Forget that the last worker lost the storage: it can be used again."""
        ...

    def abandon(self, batch: Batch) -> None:
        """From another thread: keep the batch, and end this process; its worker is stuck."""
        ...

    def commit(self, batch: Batch) -> list[Event]:
        """Keep all of the batch in one commit; `Fenced` when the run is not ours any more.

        `Overtaken`, and nothing is kept, when a wait it closes has been closed from outside, when
        it opens one or begins anew, and was asked to end or to pause since it was claimed, or when
        it ends while the journal lacks what an operator has said.
        """
        ...

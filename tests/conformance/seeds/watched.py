"""A worker's hold on a run, looked at: how often it reads, and what happens when it cannot."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from procedures.engine import Procedure
from procedures.engine.errors import StorageLost
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, Piece, RunFacts, RunStatus, Working
from procedures.engine.journal.protocol import ConnectionStates, Journal
from procedures.testing.files import MemoryFiles
from tests.conformance.backends import Backend


class WatchedJournal:
    """Counts what is read, and hands everything on."""

    def __init__(self, journal: Journal, *, is_readable: bool = True) -> None:
        self._journal, self._is_readable = journal, is_readable
        self.loads = 0
        self.commits: list[Batch] = []
        self.run: RunFacts = journal.run
        self.working: Working | None = None
        self.cancellation: Mapping[str, Any] | None = journal.cancellation
        self.is_wanted_elsewhere = False

    @property
    def is_cancelled(self) -> bool:
        return self._journal.is_cancelled

    @property
    def is_paused(self) -> bool:
        return self._journal.is_paused

    @property
    def is_stopping(self) -> bool:
        return self._journal.is_stopping

    def was_told_since(self, moment: datetime) -> bool:
        return self._journal.was_told_since(moment)

    def spend_process(self, why: str) -> None:
        self._journal.spend_process(why)

    def show(self, piece: Piece) -> None:
        self._journal.show(piece)

    def note_storage(self) -> None:
        self._journal.note_storage()

    @property
    def parent_id(self) -> str | None:
        return self._journal.parent_id

    def connection_states(self) -> ConnectionStates:
        return self._journal.connection_states()

    def storage_fault(self, error: BaseException) -> StorageLost | None:
        return self._journal.storage_fault(error)

    def now(self) -> datetime:
        return self._journal.now()

    def pause(self, seconds: float) -> None:
        self._journal.pause(seconds)

    def load(self) -> list[Event]:
        self.loads += 1
        if not self._is_readable:
            raise StorageLost("The disk does not answer.")
        return self._journal.load()

    def new_id(self) -> str:
        return self._journal.new_id()

    def status_of(self, run_id: str) -> str:
        return self._journal.status_of(run_id)

    def unread_messages(self) -> list[dict[str, Any]]:
        return self._journal.unread_messages()

    def unread_signals(self, name: str) -> list[dict[str, Any]]:
        return self._journal.unread_signals(name)

    def refusal(self, run_id: str) -> str:
        return self._journal.refusal(run_id)

    def transaction(self) -> AbstractContextManager[float | None]:
        return self._journal.transaction()

    def forgive_claim(self) -> None:
        self._journal.forgive_claim()

    def abandon(self, batch: Batch, is_stuck: Callable[[], bool]) -> None:
        self._journal.abandon(batch, is_stuck)

    def commit(self, batch: Batch) -> list[Event]:
        self.commits.append(batch)
        return self._journal.commit(batch)

    def advance(self, procedure: Procedure) -> RunStatus:
        return advance(procedure, self, MemoryFiles())


def watched(backend: Backend, run_id: str, *, is_readable: bool = True) -> WatchedJournal:
    """A claim of the run that tells what the engine does with it."""
    journal = backend.claim(run_id)
    assert journal
    return WatchedJournal(journal, is_readable=is_readable)

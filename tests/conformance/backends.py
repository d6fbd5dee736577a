"""The storages, and the interface that the cases use."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, Protocol

from procedures.engine import Procedure
from procedures.engine.execute import advance
from procedures.engine.journal.events import Event, RunStatus, closing
from procedures.engine.journal.protocol import Journal
from procedures.engine.lifecycle import operations, retry
from procedures.engine.memory import KEY, LEASE, MemoryRun
from procedures.engine.values.files import File, use_file_store
from procedures.testing.memory import MemoryStore


class Backend(Protocol):
    """A storage under the engine. Contents and errors are plain JSON."""

    ledger_key: bytes

    def start(self, procedure: Procedure, **inputs: Any) -> str:
        """A new run, queued. Returns its id."""
        ...

    def claim(self, run_id: str) -> Journal | None:
        """The run's journal for one worker; None when there is nothing to do or it is held."""
        ...

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        """Do what a worker does on a message, with the present code or with changed code."""
        ...

    def resolve(self, run_id: str, key: str, content: Mapping[str, Any]) -> bool:
        """Close an open wait from outside; False when it is closed already."""
        ...

    def hold(self, run_id: str, key: str, content: Mapping[str, Any], length: timedelta) -> bool:
        """Hold an answer for so long; False when the wait is closed, or held, already."""
        ...

    def undo(self, run_id: str, key: str) -> bool:
        """Undo a held answer; False when it is too late."""
        ...

    def advance_all(self) -> None:
        """Carry on whatever is queued, children too, until nothing is."""
        ...

    def signal(self, run_id: str, name: str, value: Any, signal_id: str) -> bool:
        """Send a signal as bob; False when its id came before."""
        ...

    def write(self, run_id: str, text: str, *, steers: bool = False) -> None:
        """Write a message to the run as bob."""
        ...

    def cancel(self, run_id: str) -> None:
        """Ask the run to end, as dave."""
        ...

    def force_end(self, run_id: str) -> None:
        """End the run and all below it at once, as dave."""
        ...

    def pause(self, run_id: str) -> None:
        """Let no worker have the run, as dave."""
        ...

    def unpause(self, run_id: str) -> None:
        """Let the run go on, as dave."""
        ...

    def retry(self, run_id: str) -> None:
        """Let a failed or quarantined run go on, as dave."""
        ...

    def override(self, run_id: str) -> None:
        """Let a quarantined run go on with changed code, as dave."""
        ...

    def fork(self, run_id: str, at: str, *, keep_answers: bool = True, **inputs: Any) -> str:
        """Another run, which goes its own way from there, as dave. Returns its id."""
        ...

    def children(self, run_id: str) -> list[str]:
        """The ids of the runs that it has started, in order."""
        ...

    def travel(self, length: timedelta) -> None:
        """Let time pass, and do what became due."""
        ...

    def pass_time(self, length: timedelta) -> None:
        """Let time pass, while nobody looks at what became due."""
        ...

    def lose_lease(self, run_id: str) -> None:
        """Make it look as if the worker that holds the run had died a while ago."""
        ...

    def status(self, run_id: str) -> RunStatus: ...
    def events(self, run_id: str) -> list[Event]: ...
    def open_waits(self, run_id: str) -> Collection[str]: ...
    def result(self, run_id: str) -> str | None: ...
    def error(self, run_id: str) -> Mapping[str, Any] | None: ...
    def files(self, run_id: str) -> Mapping[str, bytes]:
        """The contents by name."""
        ...

    def keep(self, content: bytes) -> File:
        """A file that a run can be started with."""
        ...

    def files_away(self) -> AbstractContextManager[None]:
        """Inside the block the file store can't be used."""
        ...

    def file_gone(self, digest: str) -> AbstractContextManager[None]:
        """Inside the block the file store works, and lacks that file."""
        ...

    def stopping(self) -> AbstractContextManager[None]:
        """Inside the block the process that carries runs on is told to stop."""
        ...

    def spent_by(self) -> str:
        """Return and forget why another process is to take this one's place; "" if none is."""
        ...


def answer(backend: Backend, run_id: str, key: str, value: Any = True) -> bool:  # noqa: FBT002
    """Answer an open question as bob, with the result of `Backend.resolve`."""
    outcome = {True: "approved", False: "rejected"}.get(value) if value in (True, False) else None
    content = closing(outcome or "answered", value, responder="bob", comment="Fine.")
    return backend.resolve(run_id, key, content)


def hold(backend: Backend, run_id: str, key: str, value: Any = True, *, seconds: int = 10) -> bool:  # noqa: FBT002
    """Give an answer as bob that can be undone for a while, with the result of `Backend.hold`."""
    outcome = {True: "approved", False: "rejected"}.get(value) if value in (True, False) else None
    content = closing(outcome or "answered", value, responder="bob", comment="Fine.")
    return backend.hold(run_id, key, content, timedelta(seconds=seconds))


def result_of(backend: Backend, run_id: str) -> Any:
    return json.loads(backend.result(run_id) or "null")


class MemoryBackend:
    """The engine's own twin of the journal."""

    ledger_key = KEY

    def __init__(self) -> None:
        self.store = MemoryStore()

    def start(self, procedure: Procedure, **inputs: Any) -> str:
        return self.store.start(procedure, inputs)

    def claim(self, run_id: str) -> Journal | None:
        return self.store.claim(run_id)

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        if journal := self.store.claim(run_id):
            advance(code or journal.row.procedure, journal, self.store.files)
        return self.status(run_id)

    def resolve(self, run_id: str, key: str, content: Mapping[str, Any]) -> bool:
        return self.store.resolve(run_id, key, dict(content))

    def hold(self, run_id: str, key: str, content: Mapping[str, Any], length: timedelta) -> bool:
        return self.store.hold_answer(run_id, key, dict(content), length)

    def undo(self, run_id: str, key: str) -> bool:
        return self.store.undo_answer(run_id, key)

    def advance_all(self) -> None:
        self.store.advance_all()

    def signal(self, run_id: str, name: str, value: Any, signal_id: str) -> bool:
        return self.store.signal(run_id, name, value, id=signal_id, by="bob")

    def write(self, run_id: str, text: str, *, steers: bool = False) -> None:
        count = len(self._run(run_id).all_signals)
        self.store.write_to(run_id, text, id=f"m-{count}", by="bob", steers=steers)

    def cancel(self, run_id: str) -> None:
        operations.cancel(self.store, self._run(run_id), _said("cancel", "Enough."))

    def force_end(self, run_id: str) -> None:
        said = _said("force_end", "At once.") | {"forced": True}
        operations.force_end(self.store, self._run(run_id), said)

    def pause(self, run_id: str) -> None:
        operations.pause(self.store, self._run(run_id), _said("pause", "Wait."))

    def unpause(self, run_id: str) -> None:
        operations.unpause(self.store, self._run(run_id), _said("unpause", "Now."))

    def retry(self, run_id: str) -> None:
        retry.retry(self.store, run_id, _said("retry", "Mended."))

    def override(self, run_id: str) -> None:
        retry.override(self.store, self._run(run_id), _said("override", "So it is."))

    def fork(self, run_id: str, at: str, *, keep_answers: bool = True, **inputs: Any) -> str:
        return self.store.fork(run_id, at, inputs, keep_answers=keep_answers, by="dave")

    def children(self, run_id: str) -> list[str]:
        return [child.pk for child in self.store.below(self._run(run_id))]

    def travel(self, length: timedelta) -> None:
        self.store.travel(length)

    def pass_time(self, length: timedelta) -> None:
        self.store.clock += length

    def lose_lease(self, run_id: str) -> None:
        self.store.travel(LEASE)

    def status(self, run_id: str) -> RunStatus:
        return self.store.status_of(run_id)

    def events(self, run_id: str) -> list[Event]:
        return self.store.runs[run_id].events

    def open_waits(self, run_id: str) -> Collection[str]:
        return self.store.runs[run_id].waits

    def result(self, run_id: str) -> str | None:
        return self.store.runs[run_id].result

    def error(self, run_id: str) -> Mapping[str, Any] | None:
        return self.store.runs[run_id].error

    def files(self, run_id: str) -> Mapping[str, bytes]:
        kept = self.store.runs[run_id].files
        return {name: self.store.files.get(file.digest) for name, file in kept.items()}

    def keep(self, content: bytes) -> File:
        with use_file_store(self.store.files):
            return File.store("given.txt", content)

    @contextmanager
    def files_away(self) -> Iterator[None]:
        self.store.files.fault = OSError("The disk is full.")
        yield
        self.store.files.fault = None

    @contextmanager
    def file_gone(self, digest: str) -> Iterator[None]:
        content = self.store.files.get(digest)
        self.store.files.forget(digest)
        yield
        self.store.files.put(content)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        self.store.is_stopping = True
        yield
        self.store.is_stopping = False

    def spent_by(self) -> str:
        why, self.store.spent_by = self.store.spent_by, ""
        return why

    def _run(self, run_id: str) -> MemoryRun:
        return self.store.runs[run_id]


def _said(action: str, reason: str) -> dict[str, Any]:
    return {"action": action, "by": "dave", "reason": reason}

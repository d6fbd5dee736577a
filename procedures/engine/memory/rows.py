"""What is kept in memory: contents, and each run with its journal."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import FileGoneError
from procedures.engine.journal.events import (
    Event,
    EventKind,
    NewEvent,
    RunFacts,
    RunStatus,
    closing,
)
from procedures.engine.journal.large import as_part
from procedures.engine.journal.seals import PROOF, seals_of

KEY = b"memory"
SUSPENDED = (RunStatus.WAITING, RunStatus.RETRYING)


class MemoryFiles:
    """Contents by digest."""

    largest_inline = 64 * 1024
    patience: float = 60

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self.fault: Exception | None = None
        """What every use of it raises, while it is to be away."""

    def check(self) -> None:
        if self.fault:
            raise self.fault

    def put(self, content: bytes) -> str:
        self.check()
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        self.check()
        if digest not in self._contents:
            raise FileGoneError(digest, "is gone")
        return self._contents[digest]

    def forget(self, digest: str) -> None:
        """Lose the contents for good."""
        del self._contents[digest]


@dataclass
class Parent:
    """Who started a child, and what it waits on."""

    run_id: str
    key: str
    wait: dict[str, Any]
    """The content of its opening: the same key may be opened anew."""
    number: int = 0


@dataclass
class MemoryRun:
    """One run's row and journal."""

    procedure: Procedure
    facts: RunFacts
    status: RunStatus = RunStatus.QUEUED
    events: list[Event] = field(default_factory=list)
    inputs: list[NewEvent] = field(default_factory=list)
    waits: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The open waits: the content of their opening, by key."""
    closed: dict[str, str] = field(default_factory=dict)
    """The keys of those that were closed, in that order, and what closed them, in words."""
    signals: list[dict[str, Any]] = field(default_factory=list)
    """Those that nobody has waited for yet."""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """Those that did not fit, each with the reason."""
    signal_ids: set[tuple[str, str]] = field(default_factory=set)
    maps: dict[str, dict[int, list[Any]]] = field(default_factory=dict)
    """What became of the children of a map, by its key and their number."""
    parent: Parent | None = None
    carried: int = 0
    """How many of its events another run has had, which this one is a fork of."""
    base: int = 0
    """The number of the event before the one since which the run is read."""
    cancellation: dict[str, Any] | None = None
    is_to_pause: bool = False
    """Whether an operator wants it to rest, or has it rest."""
    paused_as: RunStatus = RunStatus.QUEUED
    """The status in which it goes on when it is unpaused."""
    files: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    claims: int = 0
    is_left_without_storage: bool = False
    leased_until: datetime | None = None
    wake_at: datetime | None = None
    ends_at: datetime | None = None
    """When it has lasted enough."""
    result: str | None = None
    error: dict[str, Any] | None = None

    def beginning(self, by: str) -> dict[str, Any]:
        """What its first event holds: who started it, and seals of what never changes about it."""
        facts = self.facts
        named = {"inputs": facts.inputs, "seed": facts.seed, "depth": facts.depth}
        return {"by": by, PROOF: seals_of(named, owner=facts.run_id, key=KEY)}

    @property
    def noted(self) -> list[Event]:
        """What it has kept itself since it last began anew."""
        return self.events[max(self.base, self.carried) :]

    @property
    def compensates(self) -> bool:
        return any(event.kind == EventKind.COMPENSATION for event in self.noted)


def child_end(run: MemoryRun) -> dict[str, Any]:
    """How a run ended, as its parent is told."""
    message = str((run.error or {}).get("message", ""))
    told = closing(run.status, responder="system: child", comment=message)
    return told | as_part("value", run.result)

"""The rows of a store in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from procedures.engine.declaration.definition import Procedure
from procedures.engine.journal.events import Event, NewEvent, RunFacts, RunStatus
from procedures.engine.lifecycle import runs as rules
from procedures.engine.lifecycle.children import is_abandoned


class MemoryWait(dict[str, Any]):
    """A wait: the content of its opening, and how it was closed."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__

    def __init__(self, run: "MemoryRun", event: Event, content: Mapping[str, Any]) -> None:
        super().__init__(content)
        self.run, self.key, self.pk = run, event.key, (run.pk, event.seq)
        self.run_id, self.kind = run.pk, content["wait"]
        self.need, self.signal = content.get("need"), content.get("signal", "")
        self.abandons = is_abandoned(content)
        self.part_of: MemoryWait | None = None
        self.closing: Mapping[str, Any] | None = None
        self.closed_as = self.begun = self.ended = 0
        self.is_behind = False
        self.parts: list[MemoryWait] = []
        self.children: list[MemoryRun] = []
        self.ends: list[MemoryInput] = []

    @property
    def is_open(self) -> bool:
        return self.closing is None

    def opening(self) -> Mapping[str, Any]:
        return self


@dataclass
class MemoryInput(NewEvent):
    """An event from outside that is not in the journal yet."""

    wait: MemoryWait | None = None

    @property
    def content(self) -> dict[str, Any]:
        return self.data


@dataclass
class MemorySignal:
    """A kept signal."""

    name: str
    signal_id: str
    value: str
    sender: str
    responder_id: Any
    error: str
    at: datetime
    wait: MemoryWait | None = None
    skipped: str = ""

    @property
    def is_unread(self) -> bool:
        return self.wait is None and not self.skipped


@dataclass(eq=False)
class MemoryRun:
    """One run's row and journal."""

    procedure: Procedure
    facts: RunFacts
    by: str
    parent_wait: MemoryWait | None = None
    parent_number: int = 0
    status: RunStatus = rules.FIRST
    events: list[Event] = field(default_factory=list)
    inputs: list[MemoryInput] = field(default_factory=list)
    """The inputs that are not in the journal yet."""
    waits: dict[str, MemoryWait] = field(default_factory=dict)
    """The open waits, by key."""
    latest: dict[str, MemoryWait] = field(default_factory=dict)
    """The wait opened last, by key; closed ones too."""
    all_signals: list[MemorySignal] = field(default_factory=list)
    carried_seq: int = 0
    base_seq: int = 0
    cancel_requested_at: datetime | None = None
    pause_requested_at: datetime | None = None
    paused_as: str = ""
    files: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    claims: int = 0
    is_left_without_storage: bool = False
    leased_until: datetime | None = None
    queued_at: datetime | None = None
    ended_at: datetime | None = None
    reached_at: datetime | None = None
    wake_at: datetime | None = None
    ends_at: datetime | None = None
    result: str | None = None
    error: Mapping[str, Any] | None = None

    @property
    def pk(self) -> str:
        return self.facts.run_id

    def __str__(self) -> str:
        return f"{self.procedure.name} {self.pk[-8:]}"

"""What a run's journal, once it is proven, says of the rows that belong to the run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from procedures.engine.canonical import plain
from procedures.engine.forks import CARRIED_FROM
from procedures.engine.history import FORK
from procedures.engine.journal import OPENING, EventKind
from procedures.engine.seals import ENDS, PROOF
from procedures.models import Run, RunInput

KINDS = [
    *(EventKind.RUN_STARTED, EventKind.RUN_CONTINUED, *ENDS),
    *(*OPENING, EventKind.WAIT_CLOSED, EventKind.NOTICE, EventKind.OPERATOR),
]
REOPENING = ("retry", "override", "cancel", "force_end")
"""The acts of operators after which a run that had come to a stop goes on, if only to end."""
ENDING = ("cancel", "force_end", "override")
"""The acts of operators that close waits without an event of each."""


@dataclass
class Opening:
    """A wait as its events tell of it."""

    seq: int
    key: str
    at: datetime
    content: Mapping[str, Any]
    closed: Mapping[str, Any] | None = None
    """How it closed; None while it is open, or where a run's end has closed it."""
    closed_at: datetime | None = None
    """None where nothing tells."""


@dataclass
class End:
    """The last end of a run, for good or for now."""

    kind: str
    content: Mapping[str, Any]
    at: datetime


@dataclass
class Record:
    """A run's journal and what has come for it since, read once."""

    run: Run
    started: Mapping[str, Any] = field(default_factory=dict)
    end: End | None = None
    is_over: bool = False
    """Whether the end still holds: no operator has let the run go on since."""
    waits: dict[int, Opening] = field(default_factory=dict)
    """By the number of the event that opened each."""
    notices: list[tuple[str, str, datetime]] = field(default_factory=list)
    written: set[tuple[str, str, str, datetime]] = field(default_factory=set)
    """What came from outside, as events: kind, key, name and time."""
    ends: set[datetime] = field(default_factory=set)
    """When something closed what was open: the run's end, or an operator."""
    asked: dict[str, set[datetime]] = field(default_factory=dict)
    """When operators asked for what, by their act."""
    forked_at, continued_at = 0, 0
    _newest: dict[str, Opening] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> "Record":
        record = cls(run)
        for event in run.events.filter(kind__in=KINDS).streamed():
            record.read(event.seq, event.kind, event.key, event.name, event.content, event.at)
        record.hear(RunInput.objects.filter(run=run).exclude(kind=RunInput.CHILD_ENDED))
        return record

    @property
    def is_covered(self) -> bool:
        """Whether the run began when rows were proven already."""
        return PROOF in self.started

    def hear(self, inputs: Iterable[RunInput]) -> None:
        """Take in what operators said and when, and what no worker has taken in yet."""
        for one in inputs.order_by("pk") if hasattr(inputs, "order_by") else inputs:
            if one.kind == EventKind.OPERATOR:
                self.asked.setdefault(one.name, set()).add(one.created_at)
                if one.name in ENDING:
                    self.ends.add(one.created_at)
            if one.taken_at is None:
                self.read(0, one.kind, one.key, one.name, plain(one.data), one.created_at)

    def read(
        self, seq: int, kind: str, key: str, name: str, content: Mapping[str, Any], at: datetime
    ) -> None:
        if seq:
            self.written.add((kind, key, name, at))
            self.is_over = kind in ENDS
        match kind:
            case EventKind.WAIT_OPENED | EventKind.CHILD_STARTED:
                self.waits[seq] = self._newest[key] = Opening(seq, key, at, content)
            case EventKind.WAIT_CLOSED:
                self._close(key, content, at)
            case EventKind.OPERATOR:
                self._operate(seq, name, content)
            case _ if kind in ENDS:
                self.end = End(kind, content, at)
                self.ends.add(at)
            case _:
                self._note(seq, kind, content, at)

    def _note(self, seq: int, kind: str, content: Mapping[str, Any], at: datetime) -> None:
        match kind:
            case EventKind.RUN_STARTED:
                self.started = content
            case EventKind.RUN_CONTINUED:
                self.continued_at = seq
            case EventKind.NOTICE:
                self.notices.append((content["text"], content.get("level", ""), at))

    def _close(self, key: str, content: Mapping[str, Any], at: datetime) -> None:
        if opening := self._newest.get(key):
            told = None if CARRIED_FROM in content else content.get("at")
            opening.closed = content
            opening.closed_at = datetime.fromisoformat(told) if told else at
            if not (told or self.is_covered):
                opening.closed_at = None

    def _operate(self, seq: int, name: str, content: Mapping[str, Any]) -> None:
        if name == FORK and "from" in content:
            self.forked_at = seq
            self.notices.clear()  # its origin has said them
        if name in REOPENING:
            self.is_over = False
        for key in content.get("reopened", ()):
            if opening := self._newest.get(key):
                opening.closed = opening.closed_at = None

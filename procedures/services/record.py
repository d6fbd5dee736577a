"""The rows that must exist according to a run's verified journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from procedures.engine.journal.events import OPENING, Event, EventKind
from procedures.engine.journal.payloads import notice_parts
from procedures.engine.journal.seals import ENDS, PROOF
from procedures.engine.lifecycle.fork import CARRIED_FROM
from procedures.engine.replay.history import FORK
from procedures.engine.values.canonical import plain
from procedures.models import Run, RunInput
from procedures.models.proofs import unproven

KINDS = [
    *(EventKind.RUN_STARTED, EventKind.RUN_CONTINUED, EventKind.RUN_SUSPENDED, *ENDS),
    *(*OPENING, EventKind.WAIT_CLOSED, EventKind.NOTICE, EventKind.OPERATOR, EventKind.SENT),
]
WITH_FILES = {EventKind.STEP_SUCCEEDED, EventKind.STEP_FAILED}
OTHERS = Q(kind__in=WITH_FILES, data__contains='"files":[') | Q(
    kind=EventKind.LOG, data__contains='"at":"'
)
"""A condition for the events of steps that made files, and for log entries sent from outside the
run."""
REOPENING_OPERATIONS = ("retry", "override", "cancel", "force_end")
"""Operations after which a stopped run continues. After "cancel" and "force_end", it continues only
in order to end."""
FROM_OUTSIDE = {EventKind.WAIT_CLOSED, EventKind.LOG}
"""Kinds of events that are caused either by the run's code or from outside the run.

Only events that were caused from outside contain "at", the time of the cause.
"""
CLOSING_OPERATIONS = ("cancel", "force_end", "override")
"""Operations that close several waits without writing an event for each of them."""


@dataclass
class RecordedWait:
    """A wait according to the journal."""

    seq: int
    key: str
    at: datetime
    content: Mapping[str, Any]
    closed: Mapping[str, Any] | None = None
    """The data of the event that closed the wait; None if no event closed it."""
    closed_at: datetime | None = None
    """The time at which the wait was closed; None if no event contains this time."""


@dataclass
class End:
    """The latest event that ended a run; the run may have continued after it."""

    kind: str
    content: Mapping[str, Any]
    at: datetime


class TakenInput(NamedTuple):
    """A `RunInput`, such as an answer, as the journal contains it."""

    kind: str
    key: str
    name: str
    data: str
    at: datetime


class SentInput(NamedTuple):
    """A signal or a cancellation that the run sent to another run."""

    key: str
    to: str
    data: str


@dataclass
class Record:
    """The contents of a run's journal, and of what was sent to the run and isn't journaled yet."""

    run: Run
    started: Mapping[str, Any] = field(default_factory=dict)
    end: End | None = None
    is_over: bool = False
    """True if the run has ended and no operation has let it continue since."""
    waits: dict[int, RecordedWait] = field(default_factory=dict)
    """The waits, keyed by the number of the event that opened the wait."""
    notices: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    """The text, level, other fields (as JSON) and time of each notice."""
    written: set[tuple[str, str, str, datetime]] = field(default_factory=set)
    """The kind, key, name and time of each event that was read from the journal."""
    taken_inputs: list[TakenInput] = field(default_factory=list)
    """The journaled `RunInput` rows, in the order in which workers wrote them to the journal."""
    sent: list[SentInput] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    """The name and digest of each file that the run was given or has made."""
    suspended_on: list[str] = field(default_factory=list)
    """The keys of the waits or steps for which the run was last suspended."""
    ends: set[datetime] = field(default_factory=set)
    """The times at which the end of the run, or an operation, closed the open waits."""
    asked: dict[str, set[datetime]] = field(default_factory=dict)
    """The times of operations, keyed by the operation's name ("pause")."""
    forked_at, continued_at = 0, 0
    _newest: dict[str, RecordedWait] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> "Record":
        record = cls(run)
        for event in run.events.filter(Q(kind__in=KINDS) | OTHERS).streamed():
            content = event.content
            record.read(event.seq, event.kind, event.key, event.name, content, event.at)
            record.trace(event, content)
        record.hear(RunInput.objects.filter(run=run).exclude(kind=RunInput.CHILD_ENDED))
        return record

    @property
    def is_covered(self) -> bool:
        """Return True if the run was started after the site began to write proofs into rows."""
        return PROOF in self.started

    @property
    def is_counted(self) -> bool:
        """Return True if the run counts its files, signals and operations, as newer runs do."""
        return self.is_covered and "files" in self.started

    def trace(self, event: Event, content: Mapping[str, Any]) -> None:
        """Add what the event says about the run to this record.

        That is what was sent to the run or by it, its files, and what it was suspended for.
        `content` is the event's data.
        """
        kind = event.kind
        is_note = kind == EventKind.OPERATOR and "from" not in content
        if is_note or (kind in FROM_OUTSIDE and "at" in content):
            self.taken_inputs.append(TakenInput(kind, event.key, event.name, event.data, event.at))
        if kind == EventKind.SENT and not content["refused"]:
            self.sent.append(SentInput(event.key, content["to"], event.data))
        if kind in {*WITH_FILES, EventKind.RUN_STARTED, EventKind.WAIT_CLOSED}:
            self.files += [(one["name"], one["digest"]) for one in content.get("files", ())]
        if kind == EventKind.RUN_SUSPENDED:
            self.suspended_on = str(content.get("on", "")).split(", ")

    def hear(self, inputs: Iterable[RunInput]) -> None:
        """Read `RunInput` rows: the times of operations, and what no worker has journaled yet."""
        for one in inputs.order_by("pk") if hasattr(inputs, "order_by") else inputs:
            if one.kind == EventKind.OPERATOR:
                self.asked.setdefault(one.name, set()).add(one.created_at)
                if one.name in CLOSING_OPERATIONS:
                    self.ends.add(one.created_at)
            # A forged row must not explain the difference that it has caused itself.
            is_forged = (self.is_covered or one.proof) and unproven(one)
            if one.taken_at is None and not is_forged:
                self.read(0, one.kind, one.key, one.name, plain(one.data), one.created_at)

    def read(
        self, seq: int, kind: str, key: str, name: str, content: Mapping[str, Any], at: datetime
    ) -> None:
        if seq:
            self.written.add((kind, key, name, at))
            self.is_over = kind in ENDS
        match kind:
            case EventKind.WAIT_OPENED | EventKind.CHILD_STARTED:
                self.waits[seq] = self._newest[key] = RecordedWait(seq, key, at, content)
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
                self.notices.append((*notice_parts(content), at))

    def _close(self, key: str, content: Mapping[str, Any], at: datetime) -> None:
        if opening := self._newest.get(key):
            closed_at = None if CARRIED_FROM in content else content.get("at")
            opening.closed = content
            opening.closed_at = datetime.fromisoformat(closed_at) if closed_at else at
            if not (closed_at or self.is_covered):
                opening.closed_at = None

    def _operate(self, seq: int, name: str, content: Mapping[str, Any]) -> None:
        if name == FORK and "from" in content:
            self.forked_at = seq
            self.notices.clear()  # its origin has posted, received and sent these
            self.taken_inputs.clear()
            self.sent.clear()
        if name in REOPENING_OPERATIONS:
            self.is_over = False
        for key in content.get("reopened", ()):
            if opening := self._newest.get(key):
                opening.closed = opening.closed_at = None

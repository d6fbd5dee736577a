"""A run's events, the chain over them, and what a worker commits together."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from procedures.engine.declaration.limits import USUAL, Limits
from procedures.engine.values import canonical
from procedures.engine.values.sizes import USUAL_SIZES, Sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from procedures.engine.values.files import File


RUN_ENDED = "system: run ended"


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"

    @property
    def is_end(self) -> bool:
        return self in {self.SUCCEEDED, self.FAILED, self.CANCELLED}


class EventKind(StrEnum):
    """What an event says. Steps and waits are strict on replay, the rest is not."""

    RUN_STARTED = "run.started"
    RUN_SUSPENDED = "run.suspended"
    RUN_RESUMED = "run.resumed"
    RUN_CONTINUED = "run.continued"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_QUARANTINED = "run.quarantined"
    STEP_STARTED = "step.started"
    STEP_SUCCEEDED = "step.succeeded"
    STEP_FAILED = "step.failed"
    WAIT_OPENED = "wait.opened"
    WAIT_CLOSED = "wait.closed"
    CHILD_STARTED = "child.started"
    PATCH = "patch"
    SEEN = "seen"
    SENT = "sent"
    COMPENSATION = "compensation"
    STATE = "state"
    STAGE = "stage"
    LOG = "log"
    NOTICE = "notice"
    PROGRESS = "progress"
    OPERATOR = "operator"


PROGRESS = {kind for kind in EventKind if kind.startswith(("step.", "wait.", "child.", "sent"))}
"""What the next worker does not do again."""
OPENING = {EventKind.WAIT_OPENED, EventKind.CHILD_STARTED}
BEGUN_ANEW = "system: begun anew"
"""Who closes what belongs to an earlier generation of a run."""
GOING_ON = {*OPENING, EventKind.RUN_CONTINUED, EventKind.SENT}
"""What a run does not do any more that was asked to end, or to pause, since it was claimed."""


@dataclass(slots=True)
class NewEvent:
    """An event to be: without its number, time and hash. `data` is plain JSON."""

    kind: str
    key: str = ""
    name: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Event(NamedTuple):
    """A kept event. `data` is canonical JSON text; `hash` chains it to the one before."""

    seq: int
    kind: str
    key: str
    name: str
    data: str
    at: datetime
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """The data, read anew: what becomes of it changes nothing that is kept."""
        return canonical.plain(self.data)


@dataclass(frozen=True, slots=True)
class Handoff:
    """How a worker lets go of a run: its new status, with what belongs to it."""

    status: RunStatus
    wake_at: datetime | None = None
    ends_at: datetime | None = None
    """When the time of a run that waits is up: a worker then ends it."""
    result: str | None = None
    """Canonical JSON text."""
    error: dict[str, Any] | None = None
    """Plain JSON: `type`, `message` and what else helps to mend it."""
    is_in_vain: bool = False
    """Whether nothing came of the claim: three in a row, and the run is held to be poison."""
    closes: str = RUN_ENDED
    """Who closes what a run that ends still asks."""
    has_children: bool = False
    """Whether the run waits for children, as far as its worker knows."""


@dataclass(slots=True)
class Batch:
    """What is committed together, or not at all."""

    events: tuple[NewEvent, ...]
    files: "tuple[File, ...]" = ()
    handoff: Handoff | None = None

    @property
    def is_progress(self) -> bool:
        """Whether the next worker begins further on, or was not called in vain."""
        if self.handoff and not self.handoff.is_in_vain:
            return True
        return not PROGRESS.isdisjoint([draft.kind for draft in self.events])


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What never changes about a run."""

    run_id: str
    inputs: str
    """Canonical JSON text."""
    seed: str
    claims: int = 1
    """How many workers in a row have claimed the run and kept nothing since, this one included."""
    depth: int = 0
    """How many runs stand above it: 0 for one that people have started."""
    began_at: datetime | None = None
    is_left_without_storage: bool = False
    """Whether the last worker gave it up because it had lost its storage."""
    limits: Limits = USUAL
    """The site's, for what the procedure says nothing of."""
    sizes: Sizes = USUAL_SIZES


@dataclass(slots=True)
class Working:
    """The step that runs right now."""

    step: str
    attempt: int
    since: datetime


def closing(
    outcome: str, value: Any = None, *, responder: str, comment: str = "", timed_out: bool = False
) -> dict[str, Any]:
    """The content of a wait's closing: what became of it and who brought it about."""
    return {
        "outcome": outcome,
        "value": value,
        "responder": responder,
        "comment": comment,
        "timed_out": timed_out,
    }


def silence(opened: "Mapping[str, Any]") -> dict[str, Any]:
    """How a wait closes when its time is up, as its author said."""
    if opened["wait"] == "timer":
        return closing("elapsed", responder="system: clock")
    if opened["on_timeout"] == "default":
        outcome, value = "defaulted", opened["default"]
    else:
        outcome, value = ("withdrawn" if opened["on_timeout"] == "withdraw" else "expired"), None
    return closing(outcome, value, responder="system: deadline", timed_out=True)


def chained(
    drafts: "Iterable[NewEvent]", *, run_id: str, after: int, at: datetime, head: str, key: bytes
) -> list[Event]:
    """The events that follow number `after`, whose mark is `head`."""
    events: list[Event] = []
    moment = at.isoformat()
    for seq, draft in enumerate(drafts, start=after + 1):
        kind, data = str(draft.kind), canonical.text_of(draft.data)
        head = _mark((head, run_id, str(seq), kind, draft.key, draft.name, data, moment), key)
        events.append(Event(seq, kind, draft.key, draft.name, data, at, head))
    return events


def chain(draft: NewEvent, *, run_id: str, seq: int, at: datetime, head: str, key: bytes) -> Event:
    """The one event that follows `head`."""
    return chained([draft], run_id=run_id, after=seq - 1, at=at, head=head, key=key)[0]


def moved(event: Event, *, run_id: str, seq: int, head: str, key: bytes) -> Event:
    """The event as one of another run's journal, marked for its place there."""
    return event._replace(seq=seq, hash=mark(event, run_id=run_id, seq=seq, head=head, key=key))


def mark(event: Event, *, run_id: str, seq: int, head: str, key: bytes) -> str:
    """What proves an event: an HMAC over its place, its content, and the mark of the one before."""
    parts = (head, run_id, str(seq), event.kind, event.key, event.name, event.data)
    return _mark((*parts, event.at.isoformat()), key)


def _mark(parts: tuple[str, ...], key: bytes) -> str:
    proof = _keyed(key).copy()
    # Only one list of parts gives this text: no part of an event that is kept holds a NUL.
    proof.update("\0".join(parts).encode())
    return proof.hexdigest()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    """To be copied: reading the key costs more than the event."""
    return hmac.new(key, digestmod="sha256")

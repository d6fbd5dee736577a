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
    from collections.abc import Iterable

    from procedures.engine.values.files import File


RUN_ENDED = "system: run ended"


class RunStatus(StrEnum):
    """The status of a run."""

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
    """The kind of an event. Steps and waits are strict on replay, all others are not."""

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
"""Kinds of events whose work the next worker does not repeat."""
OPENING = {EventKind.WAIT_OPENED, EventKind.CHILD_STARTED}
BEGUN_ANEW = "system: continued as new"
"""The actor that closes what belongs to an earlier generation of a run."""
GOING_ON = {*OPENING, EventKind.RUN_CONTINUED, EventKind.SENT}
"""Kinds of events that a run cancelled or paused since its claim does not add."""


@dataclass(slots=True)
class NewEvent:
    """An event without number, time and hash; `data` is plain JSON."""

    kind: str
    key: str = ""
    name: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        """The data, under the name that it has in a kept event."""
        return self.data


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
        """The data, parsed anew, so that changing it changes nothing that is kept."""
        return canonical.plain(self.data)


@dataclass(frozen=True, slots=True)
class Handoff:
    """The release of a run by its worker: the new status, with what belongs to it."""

    status: RunStatus
    wake_at: datetime | None = None
    ends_at: datetime | None = None
    """The time when a waiting run's time is up, and a worker ends it."""
    result: str | None = None
    """Canonical JSON text."""
    error: dict[str, Any] | None = None
    """Plain JSON: `type`, `message` and whatever else helps to fix it."""
    is_in_vain: bool = False
    """True if the claim achieved nothing; after three in a row the run counts as poison."""
    closes: str = RUN_ENDED
    """The actor that closes what an ended run still asks."""
    has_children: bool = False
    """True if the run waits for children, as far as its worker knows."""


@dataclass(slots=True)
class Batch:
    """Events, files and a handoff that are committed together or not at all."""

    events: tuple[NewEvent, ...]
    files: "tuple[File, ...]" = ()
    handoff: Handoff | None = None

    @property
    def is_progress(self) -> bool:
        """True if the next worker begins further on, or the claim was not in vain."""
        if self.handoff and not self.handoff.is_in_vain:
            return True
        return not PROGRESS.isdisjoint([draft.kind for draft in self.events])


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts about a run that never change."""

    run_id: str
    inputs: str
    """Canonical JSON text."""
    seed: str
    claims: int = 1
    """Claims in a row by workers that kept nothing, this one included."""
    depth: int = 0
    """The number of runs above it; 0 for a run that people have started."""
    began_at: datetime | None = None
    is_left_without_storage: bool = False
    """True if its last worker gave it up because it had lost the storage."""
    limits: Limits = USUAL
    """The site's limits, for those the procedure does not set."""
    sizes: Sizes = USUAL_SIZES


@dataclass(slots=True)
class Working:
    """The step that is running now."""

    step: str
    attempt: int
    since: datetime


def closing(
    outcome: str, value: Any = None, *, responder: str, comment: str = "", timed_out: bool = False
) -> dict[str, Any]:
    """Return the content of a wait's closing: the outcome, and who caused it."""
    return {
        "outcome": outcome,
        "value": value,
        "responder": responder,
        "comment": comment,
        "timed_out": timed_out,
    }


def chained(
    drafts: "Iterable[NewEvent]", *, run_id: str, after: int, at: datetime, head: str, key: bytes
) -> list[Event]:
    """Return the events that follow number `after`, whose mark is `head`."""
    events: list[Event] = []
    moment = at.isoformat()
    for seq, draft in enumerate(drafts, start=after + 1):
        kind, data = str(draft.kind), canonical.text_of(draft.data)
        head = _mark((head, run_id, str(seq), kind, draft.key, draft.name, data, moment), key)
        events.append(Event(seq, kind, draft.key, draft.name, data, at, head))
    return events


def chain(draft: NewEvent, *, run_id: str, seq: int, at: datetime, head: str, key: bytes) -> Event:
    """Return the one event that follows `head`."""
    return chained([draft], run_id=run_id, after=seq - 1, at=at, head=head, key=key)[0]


def moved(event: Event, *, run_id: str, seq: int, head: str, key: bytes) -> Event:
    """Return the event as one of another run's journal, marked for its place there."""
    return event._replace(seq=seq, hash=mark(event, run_id=run_id, seq=seq, head=head, key=key))


def mark(event: Event, *, run_id: str, seq: int, head: str, key: bytes) -> str:
    """Return the proof of an event: an HMAC over its place, its content, and the mark before."""
    parts = (head, run_id, str(seq), event.kind, event.key, event.name, event.data)
    return _mark((*parts, event.at.isoformat()), key)


def _mark(parts: tuple[str, ...], key: bytes) -> str:
    proof = _keyed(key).copy()
    # Only one list of parts gives this text: no part of an event that is kept holds a NUL.
    proof.update("\0".join(parts).encode())
    return proof.hexdigest()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    """Return a keyed HMAC to copy, because reading the key costs more than an event."""
    return hmac.new(key, digestmod="sha256")

"""A run's events, the hash chain over them, and the batches in which a worker commits them."""

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
    """The kind of an event; on replay, the events of steps and waits must match the code."""

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
"""Kinds of events that count as progress, because the next worker needn't repeat the work."""
OPENING = {EventKind.WAIT_OPENED, EventKind.CHILD_STARTED}
BEGUN_ANEW = "system: continued as new"
"""The actor that the journal names for waits that `ctx.continue_as_new` closed."""
GOING_ON = {*OPENING, EventKind.RUN_CONTINUED, EventKind.SENT}
"""Kinds of events that a worker can't commit once people have cancelled or paused the run.

A cancellation or pause from before the worker's claim doesn't count.
"""


@dataclass(slots=True)
class NewEvent:
    """A new event that has no number, time or hash yet; `data` is plain JSON."""

    kind: str
    key: str = ""
    name: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        """The event's data, under the same name as in `Event`."""
        return self.data


class Event(NamedTuple):
    """A stored event; `data` is canonical JSON text, and `hash` chains it to the event before."""

    seq: int
    kind: str
    key: str
    name: str
    data: str
    at: datetime
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """A newly parsed copy of the data, so that changing it doesn't change the stored event."""
        return canonical.plain(self.data)


@dataclass(frozen=True, slots=True)
class Handoff:
    """The release of a run by its worker: the run's new status, and the data for that status.

    For example, the status "succeeded" needs the result.
    """

    status: RunStatus
    wake_at: datetime | None = None
    ends_at: datetime | None = None
    """The time at which a waiting run reaches its maximum duration; a worker then ends the run."""
    result: str | None = None
    """The run's result, as canonical JSON text."""
    error: dict[str, Any] | None = None
    """The error as plain JSON: `type`, `message`, and whatever else helps to fix it."""
    is_in_vain: bool = False
    """True if the claim made no progress; after three such claims, the run is quarantined."""
    closes: str = RUN_ENDED
    """The actor that the journal names for waits that are closed because the run has ended."""
    has_children: bool = False
    """True if the run waits for children, as far as its worker knows."""


@dataclass(slots=True)
class Batch:
    """Events, files and a handoff that are all committed together, or not at all."""

    events: tuple[NewEvent, ...]
    files: "tuple[File, ...]" = ()
    handoff: Handoff | None = None

    @property
    def is_progress(self) -> bool:
        """True if the batch is progress, which resets the number of claims without progress."""
        if self.handoff and not self.handoff.is_in_vain:
            return True
        return not PROGRESS.isdisjoint([draft.kind for draft in self.events])


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts about a run that a worker knows when the worker claims the run."""

    run_id: str
    inputs: str
    """The run's inputs, as canonical JSON text."""
    seed: str
    claims: int = 1
    """The number of consecutive claims without progress, including this one."""
    depth: int = 0
    """The number of ancestors: the parent, that run's parent, and so on.

    It is 0 for a run that people have started.
    """
    began_at: datetime | None = None
    is_left_without_storage: bool = False
    """True if the run's last worker released the run because the storage was unreachable."""
    limits: Limits = USUAL
    """The site's limits, which apply where the procedure doesn't set its own."""
    sizes: Sizes = USUAL_SIZES


@dataclass(slots=True)
class Working:
    """The step that is running now."""

    step: str
    attempt: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text that a running step writes, or the text's end, to be shown to people."""

    step: str
    attempt: int
    at: int
    """The offset of this piece in the whole text, in UTF-8 bytes."""
    text: str = ""
    end: str = ""
    """The outcome of the text: "kept" if the attempt succeeded, "failed" if it failed.

    It is "" in all pieces but the last.
    """
    digest: str = ""
    """In the last piece, the SHA-256 of the whole text; "" in other pieces."""


def closing(
    outcome: str, value: Any = None, *, responder: str, comment: str = "", timed_out: bool = False
) -> dict[str, Any]:
    """Return the content of the event that closes a wait: the outcome, and who caused it."""
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
    """Return the new events as stored events, numbered from `after` + 1.

    Their hashes continue the chain whose last hash is `head`.
    """
    events: list[Event] = []
    moment = at.isoformat()
    for seq, draft in enumerate(drafts, start=after + 1):
        kind, data = str(draft.kind), canonical.text_of(draft.data)
        head = _mark((head, run_id, str(seq), kind, draft.key, draft.name, data, moment), key)
        events.append(Event(seq, kind, draft.key, draft.name, data, at, head))
    return events


def chain(draft: NewEvent, *, run_id: str, seq: int, at: datetime, head: str, key: bytes) -> Event:
    """Return the new event as a stored event, numbered `seq`.

    The hash of the event continues the chain whose last hash is `head`.
    """
    return chained([draft], run_id=run_id, after=seq - 1, at=at, head=head, key=key)[0]


def moved(event: Event, *, run_id: str, seq: int, head: str, key: bytes) -> Event:
    """Return a copy of another run's event, for the journal of the run `run_id`.

    The copy gets the number `seq` and a new hash, which continues the chain whose last hash is
    `head`.
    """
    return event._replace(seq=seq, hash=mark(event, run_id=run_id, seq=seq, head=head, key=key))


def mark(event: Event, *, run_id: str, seq: int, head: str, key: bytes) -> str:
    """Return the hash of an event for its run and number.

    The hash is an HMAC over the run's id, the number, the content and time of the event, and
    `head`, which is the hash of the event before.
    """
    parts = (head, run_id, str(seq), event.kind, event.key, event.name, event.data)
    return _mark((*parts, event.at.isoformat()), key)


def _mark(parts: tuple[str, ...], key: bytes) -> str:
    proof = _keyed(key).copy()
    # The text is unique to this list of parts, because no part of a stored event contains a NUL.
    proof.update("\0".join(parts).encode())
    return proof.hexdigest()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    """Return an HMAC object with that key, which callers copy.

    Copying the object is faster than setting up the key for each event.
    """
    return hmac.new(key, digestmod="sha256")

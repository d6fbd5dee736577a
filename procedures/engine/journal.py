"""How the engine talks to storage: events, the chain over them, and one narrow protocol."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from procedures.engine import canonical
from procedures.engine.limits import USUAL, Limits
from procedures.engine.sizes import USUAL_SIZES, Sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from procedures.engine.errors import StorageLost
    from procedures.engine.files import File


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
class Draft:
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
class Release:
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

    drafts: tuple[Draft, ...]
    files: "tuple[File, ...]" = ()
    release: Release | None = None

    @property
    def is_progress(self) -> bool:
        """Whether the next worker begins further on, or was not called in vain."""
        if self.release and not self.release.is_in_vain:
            return True
        return not PROGRESS.isdisjoint([draft.kind for draft in self.drafts])


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


class Standings(Protocol):
    """How the connections of a storage stood before code ran."""

    def put_away(self) -> str:
        """Say what the code has left open since, "" if nothing, and put it away."""
        ...


class Journal(Protocol):
    """One run's storage, in the hands of the one worker that claimed it."""

    run: RunFacts
    working: Working | None
    cancellation: "Mapping[str, Any] | None"
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

    def standings(self) -> "Standings":
        """How the storage's connections stand now, before code of an author's runs."""
        ...

    def spend_process(self, why: str) -> None:
        """Have another process take this one's place once it has let go of the run.

        Code has changed it in a way that can't be set back: `why` says which, for the log.
        """
        ...

    def storage_fault(self, error: BaseException) -> "StorageLost | None":
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

    def transaction(self) -> "AbstractContextManager[float | None]":
        """What is written inside is committed together with the commit inside, or not at all.

        Gives the seconds it may last, or None.
        """
        ...

    def excuse(self) -> None:
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
    drafts: "Iterable[Draft]", *, run_id: str, after: int, at: datetime, head: str, key: bytes
) -> list[Event]:
    """The events that follow number `after`, whose mark is `head`."""
    events: list[Event] = []
    moment = at.isoformat()
    for seq, draft in enumerate(drafts, start=after + 1):
        kind, data = str(draft.kind), canonical.text_of(draft.data)
        head = _mark((head, run_id, str(seq), kind, draft.key, draft.name, data, moment), key)
        events.append(Event(seq, kind, draft.key, draft.name, data, at, head))
    return events


def chain(draft: Draft, *, run_id: str, seq: int, at: datetime, head: str, key: bytes) -> Event:
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
    proof.update(canonical.text_of(parts).encode())
    return proof.hexdigest()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    """To be copied: reading the key costs more than the event."""
    return hmac.new(key, digestmod="sha256")

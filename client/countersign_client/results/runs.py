"""Runs, their events and their signals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

ENDS = frozenset({"succeeded", "failed", "cancelled"})
"""The statuses of a run that has ended. An operator can retry a run that has failed."""


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run as lists show it."""

    id: str
    procedure: str
    title: str
    subject: str
    status: str
    """Queued, running, waiting, retrying, paused, succeeded, failed, cancelled or quarantined."""
    started_by: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """True if the run has succeeded, failed or been cancelled."""
        return self.status in ENDS


@dataclass(frozen=True)
class Failure:
    """The error with which a run has failed."""

    type: str = ""
    message: str = ""


@dataclass(frozen=True)
class Stage:
    """The stage that a run has reached."""

    name: str
    since: datetime


@dataclass(frozen=True)
class Progress:
    """The latest progress of a run or of one of its steps."""

    text: str
    done: float | None
    total: float | None
    at: datetime
    step: str | None = None


@dataclass(frozen=True)
class OpenRequest:
    """An open request of a run."""

    id: str
    key: str
    kind: str
    prompt: str
    assigned: tuple[str, ...]
    due_at: datetime | None


@dataclass(frozen=True)
class Artifact:
    """A file of a run."""

    name: str
    size: int
    content_type: str
    digest: str
    """The SHA-256 of the content."""


@dataclass(frozen=True, kw_only=True)
class Run(RunRow):
    """A run with all its details except its journal."""

    version: str
    inputs: Any
    result: Any
    result_at: str | None
    """The address of a result that is too large for `result`, else None.

    `get_result` returns the result in both cases.
    """
    error: Failure | None
    state: dict[str, Any] | None
    stage: Stage | None
    progress: Progress | None
    requests: tuple[OpenRequest, ...]
    artifacts: tuple[Artifact, ...]
    last_seq: int
    """The number of the newest event in the journal."""


@dataclass(frozen=True)
class Event:
    """An event of a run's journal."""

    seq: int
    kind: str
    key: str
    name: str
    data: dict[str, Any]
    at: datetime

    @property
    def is_end(self) -> bool:
        """True if the run ended with this event.

        An operator may have retried the run after that.
        """
        return self.kind.removeprefix("run.") in ENDS


@dataclass(frozen=True)
class Signal:
    """A signal that the site has stored."""

    id: str
    name: str
    number: int
    status: str = ""
    """Kept, received or skipped. Only signals that `get_signal` returns have a status."""
    reason: str = ""
    """The reason why the signal was skipped."""


@dataclass(frozen=True)
class Procedure:
    """A procedure that the token's user may see."""

    name: str
    title: str
    doc: str
    version: str | None
    inputs: dict[str, Any] | None = None
    """The JSON Schema of the inputs. Only procedures that `get_procedure` returns have it."""

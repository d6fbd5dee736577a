"""Rows as the rules of `lifecycle` see them; the values here are the defaults of a new row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = Any
"""A row that the store in use has returned."""


class RunRow(Protocol):
    """The row of a run."""

    status: Any = ""
    epoch: int = 0
    base_seq: int = 0
    """The number of the last event that is no longer loaded, or 0."""
    carried_seq: int = 0
    """The number of the last event that a fork took over from its original, or 0."""
    wake_at: datetime | None = None
    ends_at: datetime | None = None
    result: str | None = None
    leased_until: datetime | None = None
    queued_at: datetime | None = None
    ended_at: datetime | None = None
    reached_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    pause_requested_at: datetime | None = None
    paused_as: str = ""
    """The status in which a paused run continues once it is unpaused."""
    is_left_without_storage: bool = False
    parent_number: int = 0
    subject: str = ""
    """The line that distinguishes the run from others of its procedure, or ""."""

    @property
    def pk(self) -> Any: ...
    @property
    def parent_wait(self) -> "WaitRow | None": ...


class WaitCells(Protocol):
    """The fields of a wait's row that the rules change, with the values of a new row."""

    begun: int = 0
    """The number of a map's children that have begun."""
    ended: int = 0
    """The number of a map's children that have ended."""
    is_behind: bool = False
    """True if more of the map's children are due to begin."""
    closed_at: datetime | None = None
    held: str = ""
    """The content with which the wait closes when the held answer takes effect, as canonical JSON.

    It is "" if no answer is held.
    """
    held_at: datetime | None = None
    """The time at which the held answer was given."""
    effective_at: datetime | None = None
    """The time at which the held answer closes the wait, and can't be undone any more."""
    held_for: Any = None
    """The wait whose held answer makes this one unneeded, or None."""


class WaitRow(WaitCells, Protocol):
    """The row of a wait."""

    @property
    def opened_seq(self) -> int:
        """The number of the event that opened the wait."""
        ...

    @property
    def run_id(self) -> Any: ...
    @property
    def run(self) -> RunRow: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def need(self) -> int | None: ...
    @property
    def signal(self) -> str: ...
    @property
    def abandons(self) -> bool: ...
    @property
    def part_of(self) -> "WaitRow | None": ...
    @property
    def is_open(self) -> bool: ...
    @property
    def due_at(self) -> datetime | None: ...
    def opening(self) -> Mapping[str, Any]: ...


class PendingRow(Protocol):
    """An input to a run that isn't in its journal yet."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def content(self) -> dict[str, Any]: ...


class InputRow(PendingRow, Protocol):
    """The row of an input to a run."""

    @property
    def wait(self) -> WaitRow | None: ...


class SignalRow(Protocol):
    """The row of a stored signal."""

    wait: Any = None
    """The wait that the signal has closed, or None."""
    skipped: str = ""
    """The reason why the run couldn't take the signal, or ""."""
    read_seq: int | None = None
    """The number of the event with which the run has read this message, or None."""

    @property
    def name(self) -> str: ...
    @property
    def signal_id(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def responder_id(self) -> Any:
        """The id of the person who sent the signal, as plain JSON; None if a run sent it."""
        ...

    @property
    def at(self) -> datetime: ...


@dataclass
class SentSignal:
    """A signal to be stored; a second one with the same id is ignored."""

    name: str
    signal_id: str
    value: str
    """The value, as canonical JSON text."""
    sender: str
    sent_by: Any = None
    """The person who sent the signal; None if a run sent it."""
    error: str = ""

"""The fields of rows that the rules in `lifecycle` use, each with its value in a new row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = Any
"""A row that the store has returned; each store has its own class of rows."""


class RunRow(Protocol):
    """The row of a run."""

    status: Any = ""
    epoch: int = 0
    base_seq: int = 0
    """The number of the last event before the run last continued as new; 0 if it never did.

    Events up to this number aren't loaded any more.
    """
    carried_seq: int = 0
    """The number of the last event that a fork has taken over from its original run, or 0."""
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
    """The status that a paused run will have when it is unpaused; "" for other runs."""
    is_left_without_storage: bool = False
    parent_number: int = 0
    subject: str = ""
    """A line, such as "order 31", that tells the run from others of its procedure, or ""."""

    @property
    def pk(self) -> Any: ...
    @property
    def parent_wait(self) -> "WaitRow | None": ...


class WaitCells(Protocol):
    """The fields of a wait's row that the rules change, each with its value in a new row."""

    begun: int = 0
    """The number of child runs that a map has started."""
    ended: int = 0
    """The number of child runs of a map that have ended."""
    is_behind: bool = False
    """True if a map may start further child runs now, which the next transaction inserts."""
    closed_at: datetime | None = None
    held: str = ""
    """The held answer: the content of the event that will close the wait, as canonical JSON.

    It is "" if no answer is held.
    """
    held_at: datetime | None = None
    """The time at which the held answer was given; None if no answer is held."""
    effective_at: datetime | None = None
    """The time at which the held answer closes the wait; until then, the answer can be undone."""
    held_for: Any = None
    """The wait of the same set whose held answer makes this wait unneeded, or None."""


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
    """Something that was sent to a run and isn't in the run's journal yet."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def content(self) -> dict[str, Any]: ...


class InputRow(PendingRow, Protocol):
    """The row of something that was sent to a run."""

    @property
    def wait(self) -> WaitRow | None: ...


class SignalRow(Protocol):
    """The row of a stored signal."""

    wait: Any = None
    """The wait that the signal has closed; None if the signal has closed none."""
    skipped: str = ""
    """The sentence that says why the signal was skipped; "" if it wasn't skipped."""
    read_seq: int | None = None
    """The number of the event that says that the run has read the signal; None if it hasn't."""

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
    """A signal that is to be stored for a run, unless the run has one with the same id already."""

    name: str
    signal_id: str
    value: str
    """The value that was sent, as canonical JSON text."""
    sender: str
    sent_by: Any = None
    """The person who sent the signal; None if a run sent the signal."""
    error: str = ""

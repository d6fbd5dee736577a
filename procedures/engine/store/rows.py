"""Rows as the rules see them, however they are stored; values here are those of a new row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = Any
"""A row that this store has returned."""


class RunRow(Protocol):
    """A run as a store keeps it."""

    status: Any = ""
    epoch: int = 0
    base_seq: int = 0
    """The number of the last event that is no longer read."""
    carried_seq: int = 0
    """The number of the last event that a fork took over."""
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
    """The status in which it continues when it is unpaused."""
    is_left_without_storage: bool = False
    parent_number: int = 0

    @property
    def pk(self) -> Any: ...
    @property
    def parent_wait(self) -> "WaitRow | None": ...


class WaitRow(Protocol):
    """A wait as a store keeps it."""

    begun: int = 0
    """The number of a map's children that have begun."""
    ended: int = 0
    """The number of a map's children that have ended."""
    is_behind: bool = False
    """True if more children of the map are to begin."""

    @property
    def opened_seq(self) -> int:
        """The number of the event that opened it."""
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
    def opening(self) -> Mapping[str, Any]: ...


class PendingRow(Protocol):
    """An input from outside that is not in the run's journal yet."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def content(self) -> dict[str, Any]: ...


class InputRow(PendingRow, Protocol):
    """The row of an input from outside."""

    @property
    def wait(self) -> WaitRow | None: ...


class SignalRow(Protocol):
    """A kept signal."""

    wait: Any = None
    """The wait that has taken it."""
    skipped: str = ""
    """The reason why the run did not take it."""

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
        """The id of the person who sent it, as plain JSON; None for a run."""
        ...

    @property
    def at(self) -> datetime: ...


@dataclass
class SentSignal:
    """A signal to keep; the same id counts once."""

    name: str
    signal_id: str
    value: str
    """Canonical JSON text."""
    sender: str
    sent_by: Any = None
    """The person, if a person sent it."""
    error: str = ""

"""Rows as the rules see them, whatever keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = Any
"""A row that this store has returned."""


class RunRow(Protocol):
    """A run as a store keeps it."""

    status: Any
    epoch: int
    base_seq: int
    """The number of the last event that is no longer read."""
    carried_seq: int
    """The number of the last event that a fork took over."""
    wake_at: datetime | None
    ends_at: datetime | None
    result: str | None
    leased_until: datetime | None
    queued_at: datetime | None
    ended_at: datetime | None
    reached_at: datetime | None
    cancel_requested_at: datetime | None
    pause_requested_at: datetime | None
    paused_as: str
    """The status in which it continues when it is unpaused."""
    is_left_without_storage: bool
    parent_number: int

    @property
    def pk(self) -> Any: ...
    @property
    def parent_wait(self) -> "WaitRow | None": ...


class WaitRow(Protocol):
    """A wait as a store keeps it."""

    begun: int
    """The number of a map's children that have begun."""
    ended: int
    """The number of a map's children that have ended."""
    is_behind: bool
    """True if more children of the map are to begin."""

    @property
    def pk(self) -> Any: ...
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


@dataclass(frozen=True)
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

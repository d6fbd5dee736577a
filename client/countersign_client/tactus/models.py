"""The shapes that Tactus exchanges with its storage and handlers, as plain dataclasses.

They have the names and fields of `tactus.protocols.models`, which can be used in their place.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Protocol


class Models(Protocol):
    """A module that contains these classes: this module, or `tactus.protocols.models`."""

    @property
    def CheckpointEntry(self) -> Any: ...  # noqa: N802 (the names of Tactus)
    @property
    def ProcedureMetadata(self) -> Any: ...  # noqa: N802
    @property
    def HITLResponse(self) -> Any: ...  # noqa: N802
    @property
    def ChatMessage(self) -> Any: ...  # noqa: N802


@dataclass
class CheckpointEntry:
    """A checkpoint: the result of one operation of a procedure."""

    position: int
    type: str
    result: Any
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_ms: float | None = None
    input_hash: str | None = None
    run_id: str | None = None
    source_location: Any = None
    captured_vars: dict[str, Any] | None = None


@dataclass
class ProcedureMetadata:
    """Everything that is stored about a procedure."""

    procedure_id: str
    execution_log: list[Any] = field(default_factory=list)
    replay_index: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    lua_state: dict[str, Any] = field(default_factory=dict)
    status: str = "RUNNING"
    waiting_on_message_id: str | None = None


@dataclass
class HITLResponse:
    """The answer to a request."""

    value: Any
    responded_at: datetime
    timed_out: bool = False
    responder: str = ""
    """The name of the person who answered; Tactus has no such field."""
    comment: str = ""


@dataclass
class ChatMessage:
    """A message of a chat session."""

    role: str
    content: str
    message_type: str = "MESSAGE"
    tool_name: str | None = None
    tool_parameters: dict[str, Any] | None = None
    tool_response: dict[str, Any] | None = None
    parent_message_id: str | None = None
    human_interaction: str | None = None
    metadata: dict[str, Any] | None = None


def built(kind: Any, values: dict[str, Any]) -> Any:
    """Return an object of the class `kind`. Values without a field in this class are left out."""
    known = names_of(kind)
    return kind(**{name: value for name, value in values.items() if name in known})


def names_of(kind: Any) -> list[str]:
    """Return the names of the fields of a dataclass or a Pydantic model."""
    if is_dataclass(kind):
        return [one.name for one in fields(kind)]
    return list(getattr(kind, "model_fields", ()))

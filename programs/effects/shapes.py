"""The shapes of programs of effects: nodes, plans, effects, and what a node sees of its run.

Programs written for AbstractRuntime bring shapes of their own, which are read by the same names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """The status of a run, as programs know it."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitReason(StrEnum):
    """The kind of thing that a run waits for."""

    EVENT = "event"
    UNTIL = "until"
    USER = "user"
    JOB = "job"
    SUBWORKFLOW = "subworkflow"


class EffectType(StrEnum):
    """The effects that a node can ask for; a program may have others of its own."""

    WAIT_EVENT = "wait_event"
    WAIT_UNTIL = "wait_until"
    ASK_USER = "ask_user"
    LLM_CALL = "llm_call"
    TOOL_CALLS = "tool_calls"
    START_SUBWORKFLOW = "start_subworkflow"
    EMIT_EVENT = "emit_event"


@dataclass(frozen=True)
class Effect:
    """An effect that a node asks for."""

    type: EffectType | str
    payload: dict[str, Any] = field(default_factory=dict)
    result_key: str | None = None
    """The name in `vars` for the result; dots lead into nested values: "answers.first"."""


@dataclass(frozen=True)
class StepPlan:
    """The plan of a node: an effect, the next node, or the end."""

    node_id: str
    effect: Effect | None = None
    next_node: str | None = None
    complete_output: dict[str, Any] | None = None
    """The output with which the run ends; None if it continues."""


@dataclass
class WaitState:
    """A wait of a run: its reason, and what happens when it ends."""

    reason: WaitReason
    wait_key: str | None = None
    until: str | None = None
    """The time in ISO format."""
    resume_to_node: str | None = None
    result_key: str | None = None
    prompt: str | None = None
    choices: list[str] | None = None
    allow_free_text: bool = True
    details: dict[str, Any] | None = None


@dataclass
class RunState:
    """A run as its nodes and handlers see it."""

    run_id: str
    workflow_id: str
    status: RunStatus
    current_node: str
    vars: dict[str, Any] = field(default_factory=dict)
    waiting: WaitState | None = None
    output: dict[str, Any] | None = None
    error: str | None = None
    created_at: str = ""
    updated_at: str = ""
    actor_id: str | None = None
    session_id: str | None = None
    parent_run_id: str | None = None
    idempotency_key: str = ""
    """A key that all attempts of the handler's effect share, even after a crash."""
    attempt: int = 1
    """The number of the handler's attempt."""


@dataclass(frozen=True)
class EffectOutcome:
    """The outcome of an effect; a handler may also return the result itself."""

    status: str
    """One of "completed", "waiting" and "failed"."""
    result: Any = None
    wait: WaitState | None = None
    error: str | None = None

    @classmethod
    def completed(cls, result: Any = None) -> "EffectOutcome":
        return cls("completed", result=result)

    @classmethod
    def waiting(cls, wait: WaitState) -> "EffectOutcome":
        return cls("waiting", wait=wait)

    @classmethod
    def failed(cls, error: str) -> "EffectOutcome":
        return cls("failed", error=error)


NodeHandler = Callable[[RunState, Any], Any]


@dataclass(frozen=True)
class WorkflowSpec:
    """A program: its nodes by name, and the name of its first node."""

    workflow_id: str
    entry_node: str
    nodes: Mapping[str, NodeHandler]

"""The classes of programs of effects: nodes, plans, effects, and the state of a run.

Programs for AbstractRuntime come with classes of their own. Their objects can be used, too, because
only attributes with these names are read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """The statuses of a run that programs know."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitReason(StrEnum):
    """The kinds of things that a run can wait for."""

    EVENT = "event"
    UNTIL = "until"
    USER = "user"
    JOB = "job"
    SUBWORKFLOW = "subworkflow"


class EffectType(StrEnum):
    """The types of effects that the product knows; a program may have further types of its own."""

    WAIT_EVENT = "wait_event"
    WAIT_UNTIL = "wait_until"
    ASK_USER = "ask_user"
    LLM_CALL = "llm_call"
    TOOL_CALLS = "tool_calls"
    START_SUBWORKFLOW = "start_subworkflow"
    EMIT_EVENT = "emit_event"


@dataclass(frozen=True)
class Effect:
    """An effect that a node asks for, such as a question."""

    type: EffectType | str
    payload: dict[str, Any] = field(default_factory=dict)
    result_key: str | None = None
    """The name in `vars` for the result; "answers.first" sets `vars["answers"]["first"]`."""


@dataclass(frozen=True)
class StepPlan:
    """A node's plan: the effect to perform, the node to visit next, or the output of the run."""

    node_id: str
    effect: Effect | None = None
    next_node: str | None = None
    complete_output: dict[str, Any] | None = None
    """The output with which the run ends; None if the run continues."""


@dataclass
class WaitState:
    """A wait of a run: the reason for the wait, and where the run continues after the wait."""

    reason: WaitReason
    wait_key: str | None = None
    until: str | None = None
    """The time at which the wait ends, in ISO format; None if no time is set."""
    resume_to_node: str | None = None
    result_key: str | None = None
    prompt: str | None = None
    choices: list[str] | None = None
    allow_free_text: bool = True
    details: dict[str, Any] | None = None


@dataclass
class RunState:
    """The state of a run, as nodes, handlers and callers see the run."""

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
    """A key that all attempts to perform one effect share, even after a crash."""
    attempt: int = 1
    """The number of the current attempt of the handler; the first one is 1."""


@dataclass(frozen=True)
class EffectOutcome:
    """The outcome of a handler. A handler can also return the plain result."""

    status: str
    """The kind of outcome: "completed", "waiting" or "failed"."""
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

"""The context that the steps of a graph get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass
class StepExecution:
    """One execution of a step, as later steps can read it."""

    step_name: str
    status: str
    """ "succeeded" or "skipped"."""
    started_at: datetime
    completed_at: datetime | None = None
    result: Any = None
    error: str | None = None
    input_data: dict[str, Any] | None = None
    output_data: dict[str, Any] | None = None
    user_id: str | None = None
    """The name of the person who answered, for a step that asked people."""
    timed_out: bool = False
    """True if nobody answered in time, so that the default counted."""


@dataclass
class GraphContext:
    """The context that each step of a graph gets; changes in `data` are kept for later steps.

    It has the fields and methods of the `WorkflowContext` of litestar-workflows, and two more:
    `attempt` and `idempotency_key`.
    """

    workflow_id: str
    """The name of the graph."""
    instance_id: str
    """The id of the run."""
    data: dict[str, Any]
    metadata: Mapping[str, Any]
    current_step: str
    step_history: Sequence[StepExecution]
    started_at: datetime
    user_id: str | None = None
    """The name of the person who answered last on this path."""
    tenant_id: str | None = None
    idempotency_key: str = ""
    """A key that all attempts of the step share, even after a crash; "" outside a step."""
    attempt: int = 1
    _hidden: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Values that only this step can read; they aren't part of the data."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of that name, or the default."""
        if key in self._hidden:
            return self._hidden[key]
        return self.data.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Set a value, which must be plain JSON."""
        self.data[key] = value

    def with_step(self, step_name: str) -> "GraphContext":
        """Return a copy of this context for another step, with the same data."""
        return replace(self, current_step=step_name)

    def get_last_execution(self, step_name: str | None = None) -> StepExecution | None:
        """Return the last execution of that step, or of any step; None if there is none."""
        of_step = (one for one in reversed(self.step_history) if step_name in (None, one.step_name))
        return next(of_step, None)

    def has_step_executed(self, step_name: str) -> bool:
        """Return True if the step has been executed or skipped."""
        return any(one.step_name == step_name for one in self.step_history)

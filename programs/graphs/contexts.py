"""The context that the steps of a graph get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass
class StepExecution:
    """The record of one execution of a step, which later steps can read."""

    step_name: str
    status: str
    """The string "succeeded", "skipped" or "failed"."""
    started_at: datetime
    completed_at: datetime | None = None
    result: Any = None
    error: str | None = None
    input_data: dict[str, Any] | None = None
    output_data: dict[str, Any] | None = None
    user_id: str | None = None
    """The name of the person who answered, if the step asked people."""
    timed_out: bool = False
    """True if nobody answered in time, so that the step's default was used."""


@dataclass
class GraphContext:
    """The context that a step of a graph gets. Changes to `data` are passed on to later steps.

    It has the fields and methods of the `WorkflowContext` of litestar-workflows, and two more
    fields: `attempt` and `idempotency_key`.
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
    """The name of the person who gave the latest answer on the path that leads to this step."""
    tenant_id: str | None = None
    idempotency_key: str = ""
    """A key that is the same in all attempts of the step, even after a crash; "" outside a step."""
    attempt: int = 1
    _hidden: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Values that only this step can read, such as `_previous_result`, outside the data."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value with this name, or `default` if there is no such value."""
        if key in self._hidden:
            return self._hidden[key]
        return self.data.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Set the value with this name. The value must be plain JSON."""
        self.data[key] = value

    def with_step(self, step_name: str) -> "GraphContext":
        """Return a copy of this context for the step with this name.

        Both contexts share the same data.
        """
        return replace(self, current_step=step_name)

    def get_last_execution(self, step_name: str | None = None) -> StepExecution | None:
        """Return the last execution of the step with this name, or None if there is none.

        Without a name, return the last execution of all.
        """
        of_step = (one for one in reversed(self.step_history) if step_name in (None, one.step_name))
        return next(of_step, None)

    def has_step_executed(self, step_name: str) -> bool:
        """Return True if the step with this name was executed or skipped."""
        return any(one.step_name == step_name for one in self.step_history)

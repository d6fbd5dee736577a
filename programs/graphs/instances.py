"""Runs of graphs in the form of litestar-workflows' instances: status, data and steps' history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from procedures.engine.journal.events import Event, EventKind
from procedures.engine.journal.large import unpacked
from programs.graphs.contexts import GraphContext, StepExecution
from programs.graphs.nodes import Node
from programs.graphs.performing import SUCCEEDED
from programs.graphs.shape import Shape
from programs.graphs.waiting import form_of

STATUSES = {
    "paused": "paused",
    "succeeded": "completed",
    "failed": "failed",
    "quarantined": "failed",
    "cancelled": "canceled",
}
"""The statuses of instances, keyed by the statuses of runs.

If the run has any other status, the instance is "waiting" or "running".
"""
ENDS = frozenset({"completed", "failed", "canceled"})
ASKING = ("human", "webhook")


@dataclass
class Instance:
    """The state of a run of a graph when the run was last read."""

    id: UUID
    workflow_name: str
    workflow_version: str
    status: str
    context: GraphContext
    current_step: str | None
    started_at: datetime
    completed_at: datetime | None = None
    error: str | None = None
    workflow_id: UUID | None = None
    waiting_at: list[str] = field(default_factory=list)
    """The names of the steps that wait for people or for a signal."""


@dataclass
class RunReading:
    """The data and history of a run of a graph, built from the run's journal event by event."""

    shape: Shape
    data: dict[str, Any]
    history: list[StepExecution] = field(default_factory=list)
    open: dict[str, datetime] = field(default_factory=dict)
    last: str = ""
    """The name of the step in the last event about a step; "" before the first such event."""

    def read(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.kind in (EventKind.STEP_SUCCEEDED, EventKind.STEP_FAILED):
                self._step(event)
            elif event.kind == EventKind.WAIT_OPENED and event.name in self.shape.nodes:
                self.open[event.name] = event.at
                self.last = event.name
            elif event.kind == EventKind.WAIT_CLOSED and event.name in self.open:
                self._closed(event)

    def _step(self, event: Event) -> None:
        name = event.name.removesuffix(".execute").removesuffix(".prepare")
        self.last = name if name in self.shape.nodes else self.last
        if event.kind == EventKind.STEP_FAILED:
            self._note(name, "failed", event, error=str(event.content.get("message", "")))
            return
        result = unpacked(event.content, "result")
        if isinstance(result, Mapping) and (status := result.get("status")):
            self.data |= result.get("changes", {})
            for gone in result.get("removed", ()):
                self.data.pop(gone, None)
            self._note(name, str(status), event, result=result.get("result"))

    def _closed(self, event: Event) -> None:
        node, began = self.shape.nodes[event.name], self.open.pop(event.name)
        content = event.content
        if content.get("outcome") == "withdrawn":
            return
        content = {**content, "value": unpacked(content, "value")}
        values = values_of(node, content)
        self.data |= values
        self._note(node.name, SUCCEEDED, event, result=values)
        done = self.history[-1]
        done.started_at, done.output_data = began, values
        done.user_id, done.timed_out = content.get("responder"), bool(content.get("timed_out"))

    def _note(self, name: str, status: str, event: Event, **more: Any) -> None:
        began = event.content.get("started_at")
        started = datetime.fromisoformat(began) if began else event.at
        self.history.append(StepExecution(name, status, started, event.at, **more))


def values_of(node: Node, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that the end of a wait adds to the data.

    `content` is the content of the event that closed the wait.
    """
    value = content.get("value")
    if node.kind == "webhook":
        return {getattr(node.step, "callback_key", "") or node.name: value}
    if node.kind == "human" and not form_of(node) and value is not None:
        value = {"approved": value is True, "comment": content.get("comment", "")}
    if getattr(node.step, "into", False):
        return {node.name: value}
    return dict(value) if isinstance(value, Mapping) else {}


def status_of(status: str, waiting_at: Sequence[str]) -> str:
    if status in STATUSES:
        return STATUSES[status]
    return "waiting" if status == "waiting" and waiting_at else "running"

"""The states of programs' runs, as callers of AbstractRuntime know them, read from journals."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from procedures.engine.journal.events import Event, EventKind
from procedures.engine.journal.large import unpacked
from procedures.engine.journal.payloads import Closing, Opening
from programs.effects import limits, waits
from programs.effects.names import engine_name
from programs.effects.shapes import EffectType, RunStatus, WaitReason, WaitState
from programs.effects.walk import apply_plan, keep_result

STATUSES = {
    "waiting": RunStatus.WAITING,
    "succeeded": RunStatus.COMPLETED,
    "failed": RunStatus.FAILED,
    "quarantined": RunStatus.FAILED,
    "cancelled": RunStatus.CANCELLED,
}
"""The statuses that programs know, keyed by the statuses of runs.

A run with any other status is "running".
"""
REASONS = {
    "request": WaitReason.USER,
    "signal": WaitReason.EVENT,
    "timer": WaitReason.UNTIL,
    "child": WaitReason.SUBWORKFLOW,
}


@dataclass
class Pending:
    """An effect that a node has asked for and that hasn't been performed completely."""

    node: str
    kind: str
    payload: Mapping[str, Any]
    result_key: str | None
    after: str | None
    delivered_to: list[str] = field(default_factory=list)

    def as_effect(self) -> dict[str, Any]:
        return {"type": self.kind, "payload": self.payload, "result_key": self.result_key}

    @property
    def next_node(self) -> str | None:
        return self.payload.get("resume_to_node") or self.after


@dataclass
class RunReading:
    """The state of a run of a program, built from the run's journal event by event."""

    run_id: str
    nodes: Mapping[str, str]
    """The names of the nodes, keyed by the names of the steps in which they run."""
    values: dict[str, Any]
    current: str
    pending: Pending | None = None
    waiting: WaitState | None = None
    waits_at: str = ""
    """The key of the open wait of the run; "" if there is none."""
    wait_seq: int = 0
    """The number of the event by which the run's last wait was opened."""
    steps: int = 0
    """The number of nodes that the run has visited; a node visited twice counts twice."""
    output: Any = None
    cancelled_for: str = ""
    changes_read: int = 0
    """The number of changes to its limits that the run has received."""
    ledger: list[dict[str, Any]] = field(default_factory=list)
    before: str = ""

    def read(self, events: Iterable[Event]) -> "RunReading":
        readers: Mapping[str, Callable[[Event], None]] = {
            EventKind.STEP_SUCCEEDED: self._succeeded,
            EventKind.STEP_FAILED: self._failed,
            EventKind.WAIT_OPENED: self._opened,
            EventKind.CHILD_STARTED: self._child,
            EventKind.WAIT_CLOSED: self._closed,
            EventKind.SENT: self._sent,
            EventKind.OPERATOR: self._operated,
            EventKind.RUN_SUCCEEDED: self._ended,
        }
        for event in events:
            if reader := readers.get(event.kind):
                reader(event)
            self.before = event.hash
        return self

    def _succeeded(self, event: Event) -> None:
        result = unpacked(event.content, "result")
        if self._is_of_effect(event):
            if "wait" not in result:
                self._note(event, "completed", result=result.get("result"))
                self._finish(result.get("result"))
            elif self.pending:
                wait = result["wait"]
                self.pending.payload = {**self.pending.payload, **wait}
                self.pending.result_key = wait.get("result_key") or self.pending.result_key
        elif node := self.nodes.get(plain_name(event)):
            self._planned(node, result)

    def _planned(self, node: str, plan: Mapping[str, Any]) -> None:
        self._finish_quietly()
        self.steps += 1
        self.current = node
        apply_plan(self.values, plan)
        self.output = plan.get("complete_output")
        if effect := plan.get("effect"):
            self.pending = Pending(
                *(node, effect["type"], effect["payload"], effect.get("result_key")),
                plan.get("next_node"),
            )
        elif plan.get("next_node"):
            self.current = plan["next_node"]

    def _is_of_effect(self, event: Event) -> bool:
        one = self.pending
        return one is not None and plain_name(event) == engine_name(f"{one.node}.{one.kind}")

    def _failed(self, event: Event) -> None:
        self._note(event, "failed", error=str(event.content.get("message", "")))

    def _opened(self, event: Event) -> None:
        opened = Opening.read(event.content)
        if not self.pending or opened.signal == limits.SIGNAL or opened.wait not in REASONS:
            return
        key: Any = self.pending.payload.get("wait_key") or self.pending.payload.get("name")
        if opened.wait == "request":
            key = key or f"user:{self.run_id}:{self.pending.node}"
        self._wait(event, opened, key)
        self._note(event, "waiting", result={"wait": {"wait_key": key}})

    def _child(self, event: Event) -> None:
        opened = Opening.read(event.content)
        if not self.pending:
            return
        if self.pending.payload.get("async"):
            done = waits.started(opened.run, later=True)
            self._note(event, "completed", result=done)
            self._finish(done)
            return
        details = {"sub_run_id": opened.run}
        details["sub_workflow_id"] = str(self.pending.payload.get("workflow_id"))
        self._wait(event, opened, f"subworkflow:{opened.run}", details)
        self._note(event, "waiting", result={"wait": details})

    def _wait(self, event: Event, opened: Opening, key: str | None, details: Any = None) -> None:
        assert self.pending
        payload = self.pending.payload
        self.waits_at, self.wait_seq = event.key, event.seq
        self.waiting = WaitState(
            REASONS[opened.wait],
            None if opened.wait == "timer" else key,
            opened.due_at.isoformat() if opened.wait == "timer" and opened.due_at else None,
            self.pending.next_node,
            self.pending.result_key,
            payload.get("prompt"),
            waits.choices_of(payload) or None,
            bool(payload.get("allow_free_text", True)),
            details or payload.get("details"),
        )

    def _closed(self, event: Event) -> None:
        closed = Closing.read(event.content)
        if plain_name(event) == limits.SIGNAL and isinstance(value := closed.whole_value(), dict):
            self.values[limits.KEY] = limits.changed(self.values.get(limits.KEY) or {}, value)
            self.changes_read += 1
        elif self.waiting and event.key == self.waits_at:
            result = self._result_of(closed)
            self._note(event, "completed", result=result)
            if closed.outcome not in ("withdrawn", "failed", "cancelled"):
                self._finish(result)
            self.waiting = None

    def _result_of(self, closed: Closing) -> Any:
        assert self.waiting
        value = closed.whole_value()
        match self.waiting.reason:
            case WaitReason.USER:
                return waits.answer_of(value, closed.responder, timed_out=closed.timed_out)
            case WaitReason.UNTIL:
                return waits.woken(str(self.pending and self.pending.payload.get("until")))
            case WaitReason.SUBWORKFLOW:
                return waits.started((self.waiting.details or {})["sub_run_id"], output=value)
        return value

    def _sent(self, event: Event) -> None:
        if self.pending and self.pending.kind == EffectType.EMIT_EVENT:
            self.pending.delivered_to.append(event.content["to"])

    def _finish(self, result: Any) -> None:
        """Store the result of the pending effect, and continue at the next node."""
        if self.pending:
            keep_result(self.values, self.pending.result_key, {"result": result})
            self.current = self.pending.next_node or self.current
            self.pending = None

    def _finish_quietly(self) -> None:
        """Finish a pending effect whose end is recorded by no event, such as the end of a timer."""
        if self.pending and self.pending.kind == EffectType.WAIT_UNTIL:
            self._finish(waits.woken(str(self.pending.payload.get("until"))))
        elif self.pending and self.pending.kind == EffectType.EMIT_EVENT:
            content = {"name": self.pending.payload["name"]}
            self._finish({**content, "delivered_to": self.pending.delivered_to})

    def _operated(self, event: Event) -> None:
        if event.content.get("action") in ("cancel", "force_end"):
            self.cancelled_for = str(event.content.get("reason", ""))

    def _ended(self, event: Event) -> None:
        self._note(event, "completed", result={"completed": True})

    def _note(self, event: Event, status: str, result: Any = None, error: str = "") -> None:
        """Add a record to the ledger."""
        one, content = self.pending, event.content
        self.ledger.append(
            {
                "run_id": self.run_id,
                "step_id": str(event.seq),
                "node_id": one.node if one else self.current,
                "status": status,
                "effect": one.as_effect() if one else None,
                "result": result,
                "error": error or None,
                "started_at": content.get("started_at") or event.at.isoformat(),
                "ended_at": event.at.isoformat(),
                "attempt": content.get("attempt", 1),
                "idempotency_key": f"{self.run_id}:{event.key}" if event.key else None,
                "prev_hash": self.before,
                "record_hash": event.hash,
            }
        )


def plain_name(event: Event) -> str:
    """Return the name of a step or wait without its number: "ask" for the second visit "ask#2"."""
    return event.name.partition("#")[0]


def error_in(text: str | None) -> str | None:
    """Return the message in the stored error of a run; None without an error."""
    return json.loads(text).get("message") if text else None

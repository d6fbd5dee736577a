"""Programs of effects that the tests run."""

from collections.abc import Callable, Mapping
from typing import Any

from programs.effects import Effect, RunState, StepPlan, WorkflowSpec

End = object()
done: list[str] = []
"""The acts of handlers, in order."""


def node(
    kind: str = "", payload: Mapping[str, Any] | None = None, key: str = "", after: str = "end"
) -> Callable[[RunState, Any], StepPlan]:
    """A node that asks for an effect, or for nothing."""

    def plan(run: RunState, ctx: Any) -> StepPlan:
        effect = Effect(kind, dict(payload or {}), key or None) if kind else None
        return StepPlan(run.current_node, effect, after or None)

    return plan


def end(run: RunState, ctx: Any) -> StepPlan:
    return StepPlan(run.current_node, complete_output=run.vars)


def of(**nodes: Any) -> WorkflowSpec:
    """A program that begins with the first of these nodes, and ends with what it has kept."""
    first = next(iter(nodes))
    return WorkflowSpec("tried", first, {"end": end, **nodes})


def one(kind: str, payload: Mapping[str, Any] | None = None, key: str = "got") -> WorkflowSpec:
    """A program of one effect."""
    return of(start=node(kind, payload, key))


def tell(run: RunState, effect: Effect) -> dict[str, Any]:
    done.append(run.idempotency_key)
    return {"content": effect.payload["prompt"], "attempt": run.attempt}

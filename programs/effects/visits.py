"""The work inside a step of a program: a node makes its plan, or a handler does an effect."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from procedures.engine import PublicError, Step
from procedures.engine.values import canonical
from programs.changes import changes
from programs.effects.shapes import RunState

PLAN = ("next_node", "complete_output")
WAIT = ("reason", "wait_key", "until", "resume_to_node", "result_key", "prompt", "choices")
MORE_OF_WAIT = ("allow_free_text", "details")


class EffectError(PublicError):
    """An effect couldn't be performed, or its handler failed."""


class PlanError(PublicError):
    """A node returned something that isn't a plan, or a plan that leads nowhere."""


@dataclass(frozen=True)
class Clock:
    """The clock that a node gets beside its run."""

    now: str

    def now_iso(self) -> str:
        return self.now


@dataclass
class Visit:
    """One visit to a node."""

    make_state: Callable[..., RunState]
    clock: Clock
    fn: Callable[..., Any]
    """The node, or the handler of the effect."""
    effect: Mapping[str, Any] = field(default_factory=dict)
    next_node: str | None = None
    as_effect: Callable[[Mapping[str, Any]], Any] | None = None

    def plan(self, values: dict[str, Any]) -> dict[str, Any]:
        """Call the node; return its plan with the changes that it made in the values."""
        run = self.make_state(vars=deepcopy(values))
        plan = self.fn(run, self.clock)
        if plan is None or not hasattr(plan, "effect"):
            raise PlanError(f"The node {run.current_node!r} must return a plan, not {plan!r:.80}.")
        changed, removed = changes(values, run.vars)
        told: dict[str, Any] = {"changes": changed or None, "removed": removed or None}
        told |= {name: canonical.jsonable(getattr(plan, name, None)) for name in PLAN}
        told |= {"effect": effect_of(plan.effect)}
        return {name: one for name, one in told.items() if one is not None}

    def perform(self, values: dict[str, Any], step: Step) -> dict[str, Any]:
        """Call the handler of the effect; return its result, or the wait that it asks for."""
        run = self.make_state(vars=deepcopy(values))
        run.idempotency_key, run.attempt = step.idempotency_key, step.attempt
        assert self.as_effect
        given = [run, self.as_effect(self.effect), self.next_node][: _arity(self.fn)]
        return outcome_of(self.fn(*given), str(self.effect["type"]))


def effect_of(effect: Any) -> dict[str, Any] | None:
    """Return an effect as plain JSON."""
    if effect is None:
        return None
    told = {"type": type_name(effect.type), "payload": canonical.jsonable(effect.payload or {})}
    return told | ({"result_key": effect.result_key} if effect.result_key else {})


def type_name(effect_type: Any) -> str:
    return str(getattr(effect_type, "value", effect_type))


def outcome_of(done: Any, kind: str) -> dict[str, Any]:
    """Return a handler's result, or the wait it asks for; raise `EffectError` if it has failed."""
    status = getattr(done, "status", None)
    if status not in ("completed", "waiting", "failed"):
        return {"result": done}
    if status == "failed":
        raise EffectError(done.error or f"The handler of {kind} has failed.")
    if status == "waiting":
        return {"wait": wait_of(done.wait)}
    return {"result": done.result}


def wait_of(wait: Any) -> dict[str, Any]:
    """Return the wait that a handler asked for as plain JSON."""
    told = {name: getattr(wait, name, None) for name in (*WAIT, *MORE_OF_WAIT)}
    told["reason"] = type_name(wait.reason)
    kept: dict[str, Any] = canonical.jsonable(
        {name: one for name, one in told.items() if one is not None}
    )
    return kept


def _arity(fn: Callable[..., Any]) -> int:
    """Return 3 if a handler takes the run, the effect and the next node; 2 without the last."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return 2
    many = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    return 3 if many or len(parameters) > 2 else 2  # noqa: PLR2004 (the run and the effect)

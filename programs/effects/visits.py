"""The work inside a step of a program: a node returns its plan, or a handler performs an effect."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from procedures.engine import PublicError, Step
from procedures.engine.values import canonical
from programs.awaiting import Finishing
from programs.changes import changes
from programs.effects.shapes import RunState

PLAN = ("next_node", "complete_output")
WAIT = ("reason", "wait_key", "until", "resume_to_node", "result_key", "prompt", "choices")
MORE_OF_WAIT = ("allow_free_text", "details")


class EffectError(PublicError):
    """An effect couldn't be performed, for example because its handler has failed."""


class PlanError(PublicError):
    """A node returned an object that isn't a plan, or a plan without a node to visit next."""


@dataclass(frozen=True)
class Clock:
    """The clock that a node gets as its second argument."""

    now: str

    def now_iso(self) -> str:
        return self.now


@dataclass
class Visit:
    """One call of a node, or of the handler for a node's effect."""

    make_state: Callable[..., RunState]
    clock: Clock
    fn: Callable[..., Any]
    """The function of the node, or the handler of the effect."""
    effect: Mapping[str, Any] = field(default_factory=dict)
    next_node: str | None = None
    as_effect: Callable[[Mapping[str, Any]], Any] | None = None

    def plan(self, values: dict[str, Any]) -> dict[str, Any]:
        """Call the node.

        Return the node's plan, and the changes that the node made to the values.
        """
        run = self.make_state(vars=deepcopy(values))
        with Finishing() as finish:
            plan = finish(self.fn(run, self.clock))
        if plan is None or not hasattr(plan, "effect"):
            raise PlanError(f"The node {run.current_node!r} must return a plan, not {plan!r:.80}.")
        if why := fault_of_plan(plan):
            raise PlanError(f"The node {run.current_node!r} returned {why}.")
        changed, removed = changes(values, run.vars)
        content: dict[str, Any] = {"changes": changed or None, "removed": removed or None}
        content |= {name: canonical.jsonable(getattr(plan, name, None)) for name in PLAN}
        content |= {"effect": effect_of(plan.effect)}
        return {name: one for name, one in content.items() if one is not None}

    def perform(self, values: dict[str, Any], step: Step) -> dict[str, Any]:
        """Call the handler of the effect.

        Return the handler's result, or the wait that the handler asks for.
        """
        run = self.make_state(vars=deepcopy(values))
        run.idempotency_key, run.attempt = step.idempotency_key, step.attempt
        assert self.as_effect
        given = [run, self.as_effect(self.effect), self.next_node][: _arity(self.fn)]
        with Finishing() as finish:
            return outcome_of(finish(self.fn(*given)), str(self.effect["type"]))


def fault_of_plan(plan: Any) -> str:
    """Return what can't be used in a plan, or "" if the plan can be carried out."""
    effect, output = plan.effect, getattr(plan, "complete_output", None)
    following = getattr(plan, "next_node", None)
    if output is not None and not isinstance(output, Mapping):
        return f"the complete_output {output!r:.80}, which isn't a mapping"
    if following is not None and not isinstance(following, str):
        return f"the next_node {following!r:.80}, which isn't a name"
    return "" if effect is None else _fault_of_effect(effect)


def _fault_of_effect(effect: Any) -> str:
    if not all(hasattr(effect, name) for name in ("type", "payload", "result_key")):
        words = "which needs the attributes 'type', 'payload' and 'result_key'"
        return f"the effect {effect!r:.80}, {words}"
    if not isinstance(effect.payload or {}, Mapping):
        return f"the payload {effect.payload!r:.80}, which isn't a mapping"
    if effect.result_key is not None and not isinstance(effect.result_key, str):
        return f"the result_key {effect.result_key!r:.80}, which isn't a string"
    return ""


def effect_of(effect: Any) -> dict[str, Any] | None:
    """Return an effect as plain JSON, or None if there is no effect."""
    if effect is None:
        return None
    content = {"type": type_name(effect.type), "payload": canonical.jsonable(effect.payload or {})}
    return content | ({"result_key": effect.result_key} if effect.result_key else {})


def type_name(effect_type: Any) -> str:
    return str(getattr(effect_type, "value", effect_type))


def outcome_of(done: Any, kind: str) -> dict[str, Any]:
    """Return the result of a handler, or the wait that the handler asks for.

    Raises `EffectError` if the handler returned the outcome "failed".
    """
    status = getattr(done, "status", None)
    if status not in ("completed", "waiting", "failed"):
        return {"result": done}
    if status == "failed":
        raise EffectError(done.error or f"The handler of {kind} has failed.")
    if status == "waiting":
        return {"wait": wait_of(done.wait)}
    return {"result": done.result}


def wait_of(wait: Any) -> dict[str, Any]:
    """Return, as plain JSON, the wait that a handler asks for."""
    content = {name: getattr(wait, name, None) for name in (*WAIT, *MORE_OF_WAIT)}
    content["reason"] = type_name(wait.reason)
    kept: dict[str, Any] = canonical.jsonable(
        {name: one for name, one in content.items() if one is not None}
    )
    return kept


def _arity(fn: Callable[..., Any]) -> int:
    """Return the number of arguments to pass to a handler.

    It is 3 for a handler that takes the run, the effect and the next node; 2 for one without the
    next node.
    """
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return 2
    many = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    return 3 if many or len(parameters) > 2 else 2  # noqa: PLR2004 (the run and the effect)

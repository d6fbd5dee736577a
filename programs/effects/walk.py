"""The execution of a program: the run goes from node to node and performs the effects."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from procedures.engine import Context, Handle, Procedure, Received, Retry
from programs.effects import limits, waits
from programs.effects.names import engine_name, set_nested
from programs.effects.shapes import Effect, EffectType, RunState, RunStatus, WorkflowSpec
from programs.effects.visits import Clock, EffectError, PlanError, Visit

EffectOptions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Program:
    """A program, with everything that runs of it need."""

    spec: WorkflowSpec
    name: str
    """The name of the procedure that was made from the program."""
    handlers: Mapping[str, Callable[..., Any]]
    """The handlers that run as steps, keyed by the types of the effects that they perform."""
    between: Mapping[str, Callable[..., Any]]
    """The handlers that run between steps with the run's context, keyed by types of effects."""
    options: EffectOptions
    """The options of effects, keyed by types of effects or by names of nodes that ask for them."""
    policy: Any = None
    """AbstractRuntime's policy for retries of handlers. If it is None, only `options` decide."""

    def options_of(self, node: str, kind: str) -> dict[str, Any]:
        """Return the options of an effect.

        Options given for the node override those for the type of effect.
        """
        return {**self.options.get(kind, {}), **self.options.get(node, {})}


@dataclass
class Walk:
    """One run of a program. Everything that the program does is a call of the run's context."""

    ctx: Context
    program: Program
    values: dict[str, Any]
    workflows: Mapping[str, Procedure]
    """The procedures of other programs, keyed by the ids of the programs."""
    who: Mapping[str, str] = field(default_factory=dict)
    """The values `actor_id` and `session_id` with which the run was started."""
    children: list[str] = field(default_factory=list)
    """The ids of the runs that this run has started and doesn't wait for."""
    new_limits: Handle[Received[dict[str, Any]]] | None = None
    is_limited: bool = False

    def run(self) -> Any:
        """Visit node after node until a node's plan contains the output; return the output."""
        node = self.program.spec.entry_node
        self.is_limited = limits.KEY in self.values
        while True:
            plan = self._planned(node)
            if "complete_output" in plan:
                return plan["complete_output"]
            node = self._perform_plan(node, plan)

    def _planned(self, node: str) -> dict[str, Any]:
        if self.is_limited:
            self._read_limits()
        if node not in self.program.spec.nodes:
            raise PlanError(f"The program {self.program.spec.workflow_id!r} has no node {node!r}.")
        visit = self._visit(node, self.program.spec.nodes[node])
        plan: dict[str, Any] = self.ctx.step(visit.plan, self.values, name=engine_name(node))
        apply_plan(self.values, plan)
        self.is_limited |= limits.KEY in self.values
        return plan

    def _perform_plan(self, node: str, plan: Mapping[str, Any]) -> str:
        """Perform the effect of a node's plan, if any, and return the name of the next node."""
        effect, after = plan.get("effect"), plan.get("next_node")
        if effect:
            done = self._perform(node, effect, after)
            keep_result(self.values, done.get("result_key") or effect.get("result_key"), done)
            after = done.get("next") or effect["payload"].get("resume_to_node") or after
        if not after:
            words = "Return one, or complete_output to end the program."
            raise PlanError(f"The node {node!r} returned no next_node. {words}")
        return str(after)

    def _perform(self, node: str, effect: dict[str, Any], after: str | None) -> dict[str, Any]:
        """Perform an effect, and return the effect's result."""
        kind, payload = effect["type"], effect["payload"]
        program, ctx = self.program, self.ctx
        options = program.options_of(node, kind)
        if kind in program.between:
            found = program.between[kind](
                ctx, self._state_maker(node)(vars=deepcopy(self.values)), payload
            )
            kept = ctx.step(kept_result, found, name=engine_name(f"{node}.{kind}"), pure=True)
            return dict(kept)
        if kind in program.handlers:
            return self._call_handler(node, effect, after, options)
        return {"result": self._perform_itself(node, kind, payload, options)}

    def _perform_itself(
        self, node: str, kind: str, payload: dict[str, Any], options: dict[str, Any]
    ) -> Any:
        """Perform an effect that needs no handler, and return the effect's result."""
        match kind:
            case EffectType.ASK_USER:
                return waits.ask(self.ctx, f"{node}.{kind}", payload, options)
            case EffectType.WAIT_EVENT:
                key = waits.event_key(payload, kind)
                return waits.wait_for_event(self.ctx, key, options)
            case EffectType.WAIT_UNTIL:
                return waits.wait_until(self.ctx, node, payload)
            case EffectType.START_SUBWORKFLOW:
                return self._other_run(payload)
            case EffectType.EMIT_EVENT:
                return self._emitted(node, payload)
        raise EffectError(
            f"The program has no handler for the effect {kind}. It has handlers for: "
            f"{', '.join([*self.program.handlers, *self.program.between]) or 'none'}."
        )

    def _call_handler(
        self, node: str, effect: dict[str, Any], after: str | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Call the handler of an effect in a step. If the handler asks for a wait, wait then."""
        kind = effect["type"]
        if self.program.policy is not None:
            options.setdefault("retry", retry_of(self.program.policy, effect))
        visit = self._visit(node, self.program.handlers[kind])
        visit = replace(visit, effect=effect, next_node=after, as_effect=as_effect)
        name = engine_name(f"{node}.{kind}")
        done: dict[str, Any] = self.ctx.step(visit.perform, self.values, name=name, **options)
        return self._waited(node, done["wait"]) if "wait" in done else done

    def _waited(self, node: str, wait: Mapping[str, Any]) -> dict[str, Any]:
        match wait["reason"]:
            case "user":
                result: Any = waits.ask(self.ctx, f"{node}.ask_user", wait, {})
            case "until":
                result = waits.wait_until(self.ctx, node, wait)
            case _:
                result = waits.wait_for_event(self.ctx, waits.event_key(wait, "wait"), {})
        content = {"result": result, "next": wait.get("resume_to_node")}
        return content | {"result_key": wait.get("result_key")}

    def _other_run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        handle = waits.start(self.ctx, payload, self.workflows, self.who)
        if not payload.get("async"):
            return waits.started(handle.run_id, output=handle.wait())
        self.children.append(str(handle.run_id))
        return waits.started(handle.run_id, later=True)

    def _emitted(self, node: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        above = [self.ctx.parent_id] if self.ctx.parent_id else []
        spec = self.program.spec
        by = {"run_id": str(self.ctx.run_id), "workflow_id": spec.workflow_id, "node_id": node}
        return waits.emit(self.ctx, payload, by=by, to=[*above, *self.children])

    def _read_limits(self) -> None:
        """Apply the changes that operators have made to the limits since the previous node."""
        while True:
            if self.new_limits is None:
                reason = "a change of the limits by an operator"
                self.new_limits = self.ctx.signal(limits.SIGNAL, dict[str, Any], reason=reason)
            if self.new_limits.status == "open":
                return
            received = self.new_limits.wait()
            self.values[limits.KEY] = limits.changed(
                self.values.get(limits.KEY) or {}, received.value or {}
            )
            self.new_limits = None

    def _visit(self, node: str, fn: Callable[..., Any]) -> Visit:
        now = self.ctx.now().isoformat()
        return Visit(self._state_maker(node), Clock(now), fn)

    def _state_maker(self, node: str) -> Callable[..., RunState]:
        """Return a function that creates the state for a node or handler.

        The function can also be called inside a step, because it doesn't use the run's context.
        """
        return partial(
            RunState,
            run_id=str(self.ctx.run_id),
            workflow_id=self.program.spec.workflow_id,
            status=RunStatus.RUNNING,
            current_node=node,
            updated_at=self.ctx.now().isoformat(),
            actor_id=self.who.get("actor_id") or self.ctx.started_by,
            session_id=self.who.get("session_id") or None,
            parent_run_id=self.ctx.parent_id,
        )


def kept_result(result: Any) -> dict[str, Any]:
    """Return the result of an effect in the form in which steps store results."""
    return {"result": result}


def as_effect(effect: Mapping[str, Any]) -> Effect:
    """Return the object that a handler gets for a stored effect."""
    kind = effect["type"]
    known = EffectType(kind) if kind in EffectType._value2member_map_ else kind
    return Effect(known, deepcopy(effect["payload"]), effect.get("result_key"))


def apply_plan(values: dict[str, Any], plan: Mapping[str, Any]) -> None:
    """Apply the changes in a node's plan to the values of the node's run."""
    values |= deepcopy(plan.get("changes", {}))
    for name in plan.get("removed", ()):
        values.pop(name, None)


def keep_result(values: dict[str, Any], key: str | None, done: Mapping[str, Any]) -> None:
    """Store the result of an effect among the values, if the effect has a result and a key."""
    if key and done.get("result") is not None:
        set_nested(values, key, done["result"])


def retry_of(policy: Any, effect: Mapping[str, Any]) -> Retry:
    """Return the retry policy for an effect, as the policy of AbstractRuntime describes it."""
    asked = as_effect(effect)
    attempts = int(policy.max_attempts(asked))
    first, second, last = (
        float(policy.backoff_seconds(effect=asked, attempt=number))
        for number in (1, 2, max(attempts - 1, 1))
    )
    factor = max(second / first, 1.0) if first else 1.0
    return Retry(attempts, first, backoff_factor=factor, max_backoff=max(last, first))

"""The work inside a step of a run: calls of a graph step's methods, and the choice of edges."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procedures.engine import PublicError, Step
from programs.awaiting import Finishing
from programs.changes import changes
from programs.graphs.contexts import GraphContext
from programs.graphs.nodes import Node
from programs.graphs.shape import Edge, Shape
from programs.graphs.steps import Work

SKIPPED, SUCCEEDED = "skipped", "succeeded"


class GatewayError(PublicError):
    """A gateway chose a step to which none of its edges leads."""

    def __init__(self, gateway: str, chosen: object, known: Iterable[str]) -> None:
        super().__init__(
            f"The gateway {gateway!r} chose {chosen!r:.50}, but its edges lead to "
            f"{', '.join(known) or 'no step'}."
        )


@dataclass
class Visit:
    """One visit to a node, with everything that the methods of the node's step need."""

    shape: Shape
    node: Node
    make_context: Callable[..., GraphContext]
    hidden: Mapping[str, Any] = field(default_factory=dict)
    """Values that the step can read with `context.get`, although they aren't part of the data."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Values that conditions of edges can read in addition to the data, such as `timed_out`."""

    def perform(self, data: dict[str, Any], step: Step) -> dict[str, Any]:
        """Execute the step.

        Return its status, its result, its changes to the data and the next nodes.
        """
        with Finishing() as finish:
            return self._perform(data, step, finish)

    def _perform(self, data: dict[str, Any], step: Step, finish: Finishing) -> dict[str, Any]:
        context, before = self.context(data, step), dict(data)
        try:
            done = self._call(context, finish)
        except Exception as error:
            if hasattr(self.node.step, "on_failure"):
                finish(self.node.step.on_failure(context, error))
            raise
        return self._record_of(before, context, finish, **done)

    def _call(self, context: GraphContext, finish: Finishing) -> dict[str, Any]:
        of = self.node.step
        if not self._may_execute(context, finish):
            return {"status": SKIPPED}
        result = finish(of.execute(context))
        if hasattr(of, "on_success"):
            finish(of.on_success(context, result))
        if isinstance(of, Work) and result is not None:
            context.set(of.name, result)
        return {"status": SUCCEEDED, "result": result}

    def prepare(self, data: dict[str, Any], step: Step) -> dict[str, Any]:
        """Call the methods of a step that are needed before its wait.

        They say if the step is skipped, which user it asks and how long it waits.
        """
        with Finishing() as finish:
            context, before = self.context(data, step), dict(data)
            if not self._may_execute(context, finish):
                return self._record_of(before, context, finish, status=SKIPPED)
            found: dict[str, Any] = {}
            if callable(assignee := getattr(self.node.step, "get_assignee", None)):
                found["assignee"] = finish(assignee(context))
            if callable(length := getattr(self.node.step, "get_duration", None)):
                found["seconds"] = finish(length(context)).total_seconds()
            return found

    def choose(self, data: dict[str, Any], step: Step) -> list[str]:
        """Return the names of the next nodes.

        This is a step, because conditions may be functions.
        """
        with Finishing() as finish:
            return self.next_of(self.context(data, step), self.about.get("result"), finish)

    def context(self, data: dict[str, Any], step: Step | None = None) -> GraphContext:
        about = {"idempotency_key": step.idempotency_key, "attempt": step.attempt} if step else {}
        # `make_context` copies the data, so that changes inside a value are found, too.
        return self.make_context(data, hidden=self.hidden, **about)

    def next_of(
        self, context: GraphContext, result: Any, finish: Callable[[Any], Any]
    ) -> list[str]:
        """Return the names of the next nodes.

        A gateway's result can name them. Otherwise they are the targets of the edges whose
        condition holds, or of the edges with the condition "otherwise" if no other one holds.
        """
        edges = self.shape.leaving(self.node.name)
        if self.node.kind == "gateway" and isinstance(result, str | list | tuple):
            return self._chosen([result] if isinstance(result, str) else result, edges)
        values = {"result": result, **context.data, **self.about}
        taken = [
            one for one in edges if not one.is_otherwise and finish(one.holds(values, context))
        ]
        if getattr(self.node.step, "first", False):
            taken = taken[:1]
        return [one.target for one in taken or [one for one in edges if one.is_otherwise]]

    def _chosen(self, chosen: Sequence[Any], edges: Sequence[Edge]) -> list[str]:
        known = [edge.target for edge in edges]
        for one in chosen:
            if one not in known:
                raise GatewayError(self.node.name, one, known)
        return list(dict.fromkeys(chosen))

    def _may_execute(self, context: GraphContext, finish: Finishing) -> bool:
        may = getattr(self.node.step, "can_execute", None)
        return bool(finish(may(context))) if callable(may) else True

    def _record_of(
        self,
        before: dict[str, Any],
        context: GraphContext,
        finish: Finishing,
        *,
        status: str = SUCCEEDED,
        result: Any = None,
    ) -> dict[str, Any]:
        """Return the result of a visit in the form in which the journal stores it.

        Empty values are left out.
        """
        changed, removed = changes(before, context.data)
        content = {"status": status, "result": result, "changes": changed, "removed": removed}
        kept = {name: value for name, value in content.items() if value not in (None, {}, [])}
        return kept | {"next": self.next_of(context, result, finish)}

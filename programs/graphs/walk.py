"""The walk of a run through a graph, along paths that fork, wait and join."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from procedures.engine import Context, Handle
from procedures.engine.values import canonical
from programs.awaiting import Finishing
from programs.graphs.contexts import GraphContext, StepExecution
from programs.graphs.data import Data, merge_paths
from programs.graphs.nodes import Node
from programs.graphs.performing import SKIPPED, SUCCEEDED, Visit
from programs.graphs.shape import Shape
from programs.graphs.waiting import WAITS, Answer


@dataclass
class Path:
    """A path of the run: the node to which it has come, and its data."""

    node: str
    data: Data
    user: str | None = None


@dataclass
class Waiting:
    """A path that waits at its node for people, for time or for a signal."""

    node: Node
    path: Path
    handle: Handle[Any]
    since: datetime


@dataclass
class Walk:
    """One run of a graph. Everything that the run does is a call of the run's context."""

    ctx: Context
    shape: Shape
    metadata: Mapping[str, Any]
    paths: list[Path] = field(default_factory=list)
    """The paths that have come to a node but haven't entered it, in the order of their arrival."""
    waiting: list[Waiting] = field(default_factory=list)
    ended: list[Path] = field(default_factory=list)
    history: list[StepExecution] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    """The last result of each node, by the node's name."""
    began: datetime = field(init=False)

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Walk from the first step until all paths have ended, and return their merged data."""
        self.began = self.ctx.now()
        data = Data()
        data.update(canonical.jsonable(dict(values)), by="the start")
        data.forget_replaced()
        self.paths.append(Path(self.shape.start, data))
        while self.paths or self.waiting:
            self._go_on()
        return merge_paths([one.data for one in self.ended], where="the end").plain()

    def _go_on(self) -> None:
        if node := self._ready():
            self._enter(node)
        elif self.waiting:
            self._close(self._first_closed())
        else:  # paths in a cycle, each of which waits for the others
            self._enter(self.paths[0].node)

    def _ready(self) -> str:
        """Return a node that a path has reached and that no other path can still reach.

        If there is no such node, "" is returned.
        """
        places = {one.node for one in self.paths} | {one.node.name for one in self.waiting}
        for path in self.paths:
            others = places - {path.node} | {one.node.name for one in self.waiting}
            if not any(self.shape.reaches(other, path.node) for other in others):
                return path.node
        return ""

    def _first_closed(self) -> Waiting:
        handles = [one.handle for one in self.waiting]
        won = handles[0] if len(handles) == 1 else self.ctx.wait_any(*handles, keep_open=True)
        return next(one for one in self.waiting if one.handle is won)

    def _enter(self, name: str) -> None:
        """Merge all paths that have come to a node, and let the merged path enter the node."""
        node = self.shape.nodes[name]
        come = [one for one in self.paths if one.node == name]
        self.paths = [one for one in self.paths if one.node != name]
        users = [one.user for one in come if one.user]
        data = merge_paths([one.data for one in come], where=f"{name!r}")
        path = Path(name, data, users[-1] if users else None)
        if not (self.paths or self.waiting or self.ended):
            data.forget_replaced()
        match node.kind:
            case "machine" | "gateway":
                self._perform(node, path)
            case "group":
                self._gather(node, path)
            case _:
                self._wait(node, path)

    def _perform(self, node: Node, path: Path, answer: Answer | None = None) -> None:
        """Execute a step, and follow the edges. A step that has waited can read the answer."""
        began = answer.asked_at if answer else self.ctx.now()
        visit = self._visit(node, path, answer)
        options = node.options if node.kind in ("machine", "gateway") else {}
        name = f"{node.name}.execute" if answer else node.name
        done = self.ctx.step(visit.perform, path.data.plain(), **{"name": name, **options})
        path.data.update(
            done.get("changes", {}), by=f"{node.name!r}", removed=done.get("removed", ())
        )
        self._note(node, path, done.get("status", SUCCEEDED), done.get("result"), began, answer)
        self._leave(node, path, done["next"])

    def _wait(self, node: Node, path: Path) -> None:
        """Open the wait of a node's step, or skip the step if its `can_execute` says so."""
        began, found = self.ctx.now(), dict[str, Any]()
        if any(hasattr(node.step, one) for one in ("can_execute", "get_assignee", "get_duration")):
            visit = self._visit(node, path)
            found = self.ctx.step(visit.prepare, path.data.plain(), name=f"{node.name}.prepare")
        if found.get("status") == SKIPPED:
            self._note(node, path, SKIPPED, None, began, None)
            self._leave(node, path, found["next"])
            return
        handle = WAITS[node.kind].open(self.ctx, node, path.data.plain(), found)
        if handle is None:  # there is nothing to wait for
            self._finish(node, path, Answer(began))
        else:
            self.waiting.append(Waiting(node, path, handle, began))

    def _close(self, one: Waiting) -> None:
        self.waiting.remove(one)
        answer = WAITS[one.node.kind].close(one.node, one.handle.wait(), one.since)
        one.path.data.update(answer.values, by=f"{one.node.name!r}")
        one.path.user = answer.user or one.path.user
        self._finish(one.node, one.path, answer)

    def _finish(self, node: Node, path: Path, answer: Answer) -> None:
        """Execute the step after its wait, if it has code of its own, and follow the edges."""
        if node.kind != "timer" and hasattr(node.step, "execute"):
            self._perform(node, path, answer)
            return
        self._note(node, path, SUCCEEDED, answer.value, answer.asked_at, answer)
        self._leave(node, path, self._next(node, path, answer.value, answer.about))

    def _gather(self, node: Node, path: Path) -> None:
        """Go through a node that begins or ends a group.

        Its result comes from the nodes in `node.after`.
        """
        found = [self.results[name] for name in node.after if name in self.results]
        result = found if node.gathers else found[-1] if found else None
        self.results[node.name] = result
        self._leave(node, path, self._next(node, path, result, {}))

    def _next(self, node: Node, path: Path, result: Any, about: Mapping[str, Any]) -> list[str]:
        visit = Visit(self.shape, node, self._maker(node, path), about={"result": result, **about})
        if any(edge.is_code for edge in self.shape.leaving(node.name)):
            chosen: list[str] = self.ctx.step(
                visit.choose, path.data.plain(), name=f"{node.name}.next"
            )
            return chosen
        with Finishing() as finish:
            return visit.next_of(visit.context(path.data.plain()), result, finish)

    def _leave(self, node: Node, path: Path, targets: list[str]) -> None:
        if not targets:
            self._end(node, path)
        for target in targets:
            self.paths.append(Path(target, path.data.split(), path.user))

    def _end(self, node: Node, path: Path) -> None:
        if self.shape.leaving(node.name):
            words = f"No condition after {node.name} holds, so this path ends here."
            self.ctx.log(words, level="warning")
        self.ended.append(path)

    def _visit(self, node: Node, path: Path, answer: Answer | None = None) -> Visit:
        before = [self.results.get(name) for name in node.after]
        hidden: dict[str, Any] = {}
        if node.after:
            hidden["_previous_result"] = before if node.gathers else before[-1]
        if answer:
            hidden[f"{node.name}_result"] = answer.value
        about = answer.about if answer else {}
        return Visit(self.shape, node, self._maker(node, path), hidden, about)

    def _maker(self, node: Node, path: Path) -> Any:
        history, began, run = list(self.history), self.began, str(self.ctx.run_id)

        def make(data: dict[str, Any], *, hidden: Mapping[str, Any], **about: Any) -> GraphContext:
            return GraphContext(
                workflow_id=str(self.metadata["workflow_name"]),
                instance_id=run,
                data=deepcopy(data),
                metadata=dict(self.metadata),
                current_step=node.name,
                step_history=history,
                started_at=began,
                user_id=path.user,
                _hidden=hidden,
                **about,
            )

        return make

    def _note(
        self,
        node: Node,
        path: Path,
        status: str,
        result: Any,
        began: datetime,
        answer: Answer | None,
    ) -> None:
        if status == SKIPPED:
            self.ctx.log(f"{node.name} was skipped, because its can_execute returned False.")
        self.results[node.name] = result
        done = StepExecution(node.name, status, began, self.ctx.now(), result)
        if answer:
            done.user_id, done.timed_out = answer.user, answer.timed_out
        self.history.append(done)

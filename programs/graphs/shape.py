"""The shape of a graph: its nodes and edges, checked before a run begins."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from procedures.engine import DefinitionError
from programs.graphs.contexts import GraphContext
from programs.graphs.expressions import OTHERWISE, Expression
from programs.graphs.nodes import Link, Node, Parts


@dataclass(frozen=True, eq=False)
class Edge:
    """An edge of a graph, which leads from one node to another."""

    source: str
    target: str
    condition: Expression | Callable[[GraphContext], object] | None = None
    is_otherwise: bool = False
    """True if the edge is taken only when no condition of the node's other edges holds."""

    def holds(self, values: Mapping[str, Any], context: GraphContext) -> Any:
        """Return the value of the edge's condition.

        The value of an `async` function must be awaited.
        """
        if self.condition is None:
            return True
        if isinstance(self.condition, Expression):
            return self.condition.value(values)
        return self.condition(context)

    @property
    def is_code(self) -> bool:
        return callable(self.condition)

    @property
    def label(self) -> str:
        """The condition as a text for people; "" without a condition."""
        if self.is_otherwise:
            return OTHERWISE
        if isinstance(self.condition, Expression):
            return self.condition.text
        name = getattr(self.condition, "__name__", "") if self.condition else ""
        return name if name.isidentifier() else "a condition" if self.condition else ""

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


@dataclass(frozen=True, eq=False)
class Shape:
    """A checked graph: its nodes and edges, the first node, and the last ones."""

    nodes: Mapping[str, Node]
    edges: Sequence[Edge]
    start: str
    ends: frozenset[str]
    """The names of the nodes after which a path ends, even if the nodes have edges."""

    @cached_property
    def _leaving(self) -> Mapping[str, list[Edge]]:
        found: dict[str, list[Edge]] = {name: [] for name in self.nodes}
        for edge in self.edges:
            if edge.source not in self.ends:
                found[edge.source].append(edge)
        return found

    def leaving(self, name: str) -> list[Edge]:
        """Return the edges that a path can take from a node; none if the node is in `ends`."""
        return self._leaving[name]

    def reaches(self, source: str, target: str) -> bool:
        """Return True if a path can come from `source` to `target` along one or more edges."""
        return target in self._reach[source]

    @cached_property
    def _reach(self) -> Mapping[str, frozenset[str]]:
        return {name: frozenset(self._found_from(name)) for name in self.nodes}

    def _found_from(self, name: str) -> Iterator[str]:
        seen, left = set[str](), [name]
        while left:
            for edge in self._leaving.get(left.pop(), ()):
                if edge.target not in seen:
                    seen.add(edge.target)
                    left.append(edge.target)
                    yield edge.target

    def check(self) -> None:
        """Raise `DefinitionError` for steps that no path reaches, and for paths that can't end."""
        lost = self.nodes.keys() - self._reach[self.start] - {self.start}
        if lost:
            names = ", ".join(sorted(lost))
            raise DefinitionError(f"No path from {self.start!r} reaches {names}.")
        endless = [name for name in self.nodes if not self._can_end(name)]
        if endless:
            names = ", ".join(endless)
            raise DefinitionError(f"No path from {names} ends, because the edges form a cycle.")

    def _can_end(self, name: str) -> bool:
        return any(map(self._may_end_at, [name, *self._reach[name]]))

    def _may_end_at(self, name: str) -> bool:
        edges = self._leaving.get(name, [])
        return (
            all(edge.condition is not None for edge in edges) or self.nodes[name].kind == "gateway"
        )


def shape_of(
    steps: Mapping[str, Any],
    edges: Iterable[Any],
    *,
    start: str = "",
    ends: Iterable[str] = (),
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Shape:
    """Return the checked shape of a graph. The arguments are those of `graph`."""
    if not steps:
        raise DefinitionError("A graph needs at least one step.")
    given = dict(options or {})
    parts = Parts()
    for name, step in steps.items():
        parts.add(name, step, given.pop(name, {}))
    if given:
        raise DefinitionError(
            f"options= names {', '.join(map(str, given))}, but there is no such step."
        )
    links = [_known_link(edge, parts) for edge in (*map(link_of, edges), *_of_gateways(parts))]
    made = _each_once(map(_edge, (*parts.links, *links)))
    ended = frozenset(parts.ends[_known(name, parts, "ends=")] for name in ends)
    shape = Shape(parts.nodes, made, _start(start, parts, made), ended)
    shape.check()
    return shape


def link_of(edge: Any) -> Link:
    """Return an edge as a `Link`.

    The edge is given as a tuple, or as an object with the attributes `source`, `target` and
    `condition`.
    """
    if isinstance(edge, tuple | list) and len(edge) in (2, 3):
        source, target, *rest = edge
        condition = rest[0] if rest else None
    elif hasattr(edge, "source") and hasattr(edge, "target"):
        source, target, condition = edge.source, edge.target, getattr(edge, "condition", None)
    else:
        raise DefinitionError(
            'An edge must be ("one", "other") or ("one", "other", "a condition"),'
            f" not {edge!r:.100}."
        )
    return Link(_name_of(source), _name_of(target), condition)


def _name_of(end: Any) -> str:
    """Return the name of the step at one end of an edge.

    The edge contains the name itself, or the step's class with an attribute `name`.
    """
    name = end if isinstance(end, str) else getattr(end, "name", None)
    if not isinstance(name, str):
        raise DefinitionError(
            f"An edge must have names or classes of steps at its ends, not {end!r:.100}."
        )
    return name


def _known(name: str, parts: Parts, of: str) -> str:
    if name not in parts.ends:
        known = ", ".join(parts.ends)
        raise DefinitionError(f"{of} names {name!r}, which isn't a step. The steps are {known}.")
    return name


def _known_link(link: Link, parts: Parts) -> Link:
    of = f"The edge {link.source} → {link.target}"
    source = parts.ends[_known(link.source, parts, of)]
    return Link(source, _known(link.target, parts, of), link.condition)


def _of_gateways(parts: Parts) -> Iterator[Link]:
    """Yield the edges to the steps that gateways name in their attribute `branches`."""
    for node in parts.nodes.values():
        branches = getattr(node.step, "branches", None)
        if node.kind == "gateway" and isinstance(branches, list | tuple):
            yield from (Link(node.name, str(target)) for target in branches)


def _edge(link: Link) -> Edge:
    given = link.condition
    if given is None:
        return Edge(link.source, link.target)
    if isinstance(given, str) and given.strip() == OTHERWISE:
        return Edge(link.source, link.target, Expression("True"), is_otherwise=True)
    if callable(given):
        return Edge(link.source, link.target, given)
    return Edge(link.source, link.target, Expression(given))


def _each_once(edges: Iterable[Edge]) -> list[Edge]:
    """Return the edges without repetitions.

    A gateway and the graph may define the same edge. Raises `DefinitionError` for two edges between
    the same nodes if one of the edges has a condition.
    """
    found: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        earlier = found.setdefault((edge.source, edge.target), edge)
        if earlier is not edge and (earlier.condition is not None or edge.condition is not None):
            raise DefinitionError(f"There are two edges {edge}. Join their conditions with `or`.")
    return list(found.values())


def _start(given: str, parts: Parts, edges: Sequence[Edge]) -> str:
    if given:
        return _known(given, parts, "start=")
    reached = {edge.target for edge in edges}
    found = [name for name in parts.nodes if name not in reached]
    if len(found) != 1:
        which = f"{' and '.join(found)} have none" if found else "every step has one"
        raise DefinitionError(
            f"The graph begins at the step without an incoming edge, but {which}. Name the first "
            "step with start=."
        )
    return found[0]

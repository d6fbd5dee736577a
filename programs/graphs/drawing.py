"""The picture of a graph, which pages draw."""

from collections.abc import Mapping

from procedures.engine import Picture, PictureEdge, PictureNode
from procedures.engine.declaration.picture import NodeKind
from programs.graphs.expressions import PLACE
from programs.graphs.nodes import Kind, Node
from programs.graphs.shape import Shape

KINDS: Mapping[Kind, NodeKind] = {
    "machine": "step",
    "human": "question",
    "timer": "timer",
    "webhook": "signal",
    "gateway": "choice",
}


def picture_of(shape: Shape) -> Picture:
    """Return the picture of a graph, without the nodes that begin or end a group.

    An edge of the picture leads from the node before such a node directly to the node after it.
    """
    nodes = [PictureNode(one.name, _label(one), KINDS[one.kind]) for one in shown(shape)]
    names = {one.name for one in nodes}
    edges = dict.fromkeys(edge for name in names for edge in _edges_from(shape, name, names))
    order = {name: number for number, name in enumerate(shape.nodes)}
    ordered = sorted(edges, key=lambda edge: (order[edge.source], order[edge.target]))
    return Picture(tuple(nodes), tuple(ordered))


def shown(shape: Shape) -> list[Node]:
    return [one for one in shape.nodes.values() if one.kind != "group"]


def _label(node: Node) -> str:
    return PLACE.sub("…", node.title)


def _edges_from(shape: Shape, name: str, names: set[str]) -> list[PictureEdge]:
    found, seen = [], set[str]()
    left = [(edge.target, edge.label) for edge in shape.leaving(name)]
    while left:
        target, label = left.pop()
        if target in names:
            found.append(PictureEdge(name, target, label))
        elif target not in seen:
            seen.add(target)
            left += [(edge.target, label or edge.label) for edge in shape.leaving(target)]
    return found

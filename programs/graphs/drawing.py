"""The picture of a graph, which pages draw."""

from collections.abc import Mapping

from procedures.engine import Picture, Place, Way
from procedures.engine.declaration.picture import PlaceKind
from programs.graphs.expressions import PLACE
from programs.graphs.nodes import Kind, Node
from programs.graphs.shape import Shape

KINDS: Mapping[Kind, PlaceKind] = {
    "machine": "step",
    "human": "question",
    "timer": "timer",
    "webhook": "signal",
    "gateway": "choice",
}


def picture_of(shape: Shape) -> Picture:
    """Return the picture of a graph: its places, and the ways between them.

    The nodes that begin or end a group aren't places. A way leads from the place before such a node
    directly to the place after it.
    """
    places = [Place(one.name, _label(one), KINDS[one.kind]) for one in shown(shape)]
    names = {one.name for one in places}
    ways = dict.fromkeys(way for name in names for way in _ways_from(shape, name, names))
    order = {name: number for number, name in enumerate(shape.nodes)}
    kept = sorted(ways, key=lambda way: (order[way.source], order[way.target]))
    return Picture(tuple(places), tuple(kept))


def shown(shape: Shape) -> list[Node]:
    return [one for one in shape.nodes.values() if one.kind != "group"]


def _label(node: Node) -> str:
    return PLACE.sub("…", node.title)


def _ways_from(shape: Shape, name: str, names: set[str]) -> list[Way]:
    found, seen = [], set[str]()
    left = [(edge.target, edge.label) for edge in shape.leaving(name)]
    while left:
        target, label = left.pop()
        if target in names:
            found.append(Way(name, target, label))
        elif target not in seen:
            seen.add(target)
            left += [(edge.target, label or edge.label) for edge in shape.leaving(target)]
    return found

"""Pictures of procedures as SVG: nodes are boxes in layers, and edges are curves between them.

A node is a step or question of the procedure, and an edge leads from one to the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

from django.utils.text import Truncator

from dashboard.overview.rows import Look, Row
from procedures.engine.declaration.picture import Picture, PictureEdge, PictureNode

WIDTH, HEIGHT = 168, 40
BESIDE, BELOW, MARGIN = 24, 46, 12
LABEL, ON_EDGE, LINE = 22, 26, 15
LETTER = 6.5
"""The maximum width of a letter in the label of an edge."""
MOST_NODES = 150
"""The maximum number of nodes that are drawn; a larger procedure is shown only as text."""
SWEEPS = 4
BEND = "\0"


@dataclass(frozen=True)
class DrawnNode:
    """A node with its upper left corner, and with its state in a run, such as "done"."""

    node: PictureNode
    x: int
    y: int
    look: Look | str = ""

    @property
    def lines(self) -> list[tuple[str, int]]:
        """The lines of the label, each with the vertical position of its baseline."""
        # The round ends of a question leave less room.
        most = LABEL - 3 if self.node.kind == "question" else LABEL
        texts = wrap(self.node.label, most, max_lines=2, placeholder="…", break_on_hyphens=False)
        first = self.baseline - LINE * (len(texts) - 1) // 2
        return [(text, first + LINE * number) for number, text in enumerate(texts)]

    @property
    def middle(self) -> int:
        return self.x + WIDTH // 2

    @property
    def baseline(self) -> int:
        return self.y + HEIGHT // 2 + 5


@dataclass(frozen=True)
class DrawnEdge:
    """An edge between two nodes, drawn as a curve, with the position of its label."""

    edge: PictureEdge
    path: str
    head: str
    """The path of the arrowhead in SVG."""
    x: int
    y: int
    is_back: bool = False

    @property
    def label(self) -> str:
        return _edge_label(self.edge)


@dataclass(frozen=True)
class DrawnPicture:
    """A picture with its size in SVG; `text` is the same picture in Mermaid's notation."""

    nodes: Sequence[DrawnNode]
    edges: Sequence[DrawnEdge]
    width: int
    height: int
    text: str


def _edge_label(edge: PictureEdge) -> str:
    return Truncator(edge.label).chars(ON_EDGE)


def _half_label(edge: PictureEdge) -> int:
    """Return half the width of an edge's label."""
    return round(len(_edge_label(edge)) * LETTER / 2)


def drawn_picture(picture: Picture | None, rows: Iterable[Row] = ()) -> DrawnPicture | None:
    """Return a picture as SVG; the rows of a run's page say which state each node has.

    Return None if there is no picture, or if it has no nodes.
    """
    if picture is None or not picture.nodes:
        return None
    looks = find_place_states(picture, rows)
    text = picture.mermaid(looks)
    if len(picture.nodes) > MOST_NODES:
        return DrawnPicture((), (), 0, 0, text)
    layers, bends = _layers(picture)
    widths = _bend_widths(picture, bends)
    corners = _corners(layers, widths)
    nodes = [
        DrawnNode(one, *corners[one.name], look=looks.get(one.name, "")) for one in picture.nodes
    ]
    right = max(corners[name][0] + _width(name, widths) for name in corners)
    known = [edge for edge in picture.edges if {edge.source, edge.target} <= corners.keys()]
    edges = [
        _drawn_edge(edge, corners, bends.get((edge.source, edge.target), ()), right, number)
        for number, edge in enumerate(known)
    ]
    ends = [one.x + _half_label(one.edge) for one in edges if one.label or one.is_back]
    width = max(right, *ends, 0) + MARGIN
    height = max(one.y for one in nodes) + HEIGHT + MARGIN
    return DrawnPicture(nodes, edges, width, height, text)


def find_place_states(picture: Picture, rows: Iterable[Row]) -> dict[str, str]:
    """Return the state of each node that the run has reached, by the node's name.

    If a node was reached several times, its state is that of the last row.
    """
    found: dict[str, str] = {}
    for row in rows:
        for one in row.members or [row]:
            reason = str(one.opened.get("reason", ""))
            if node := picture.node_of(one.key.rpartition("/")[2], reason):
                found[node.name] = one.look
    return found


def _bend_widths(
    picture: Picture, bends: Mapping[tuple[str, str], Sequence[str]]
) -> dict[str, int]:
    """Return the width of each bend that has a label, so that the label covers no node."""
    widths: dict[str, int] = {}
    for edge in picture.edges:
        for name in bends.get((edge.source, edge.target), ())[:1]:
            widths[name] = max(widths.get(name, 0), 2 * _half_label(edge))
    return widths


def _corners(
    layers: Sequence[Sequence[str]], widths: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """Return the upper left corner of each node, and the point of each bend of an edge."""
    lengths = [
        sum(_width(name, widths) for name in layer) + BESIDE * (len(layer) - 1) for layer in layers
    ]
    corners = {}
    for number, (layer, length) in enumerate(zip(layers, lengths, strict=True)):
        x = MARGIN + (max(lengths) - length) // 2
        for name in layer:
            inside = widths.get(name, 0) // 2  # an edge passes through the middle of its label
            corners[name] = (x + inside, MARGIN + number * (HEIGHT + BELOW))
            x += _width(name, widths) + BESIDE
    return corners


def _width(name: str, widths: Mapping[str, int]) -> int:
    return widths.get(name, 0) if name.startswith(BEND) else WIDTH


def _layers(picture: Picture) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    """Return the layers from top to bottom, and the bends of each edge.

    Each edge leads to a lower layer; edges that would close a cycle don't count. An edge that skips
    layers has a bend in each of them, so that it passes beside the nodes there.
    """
    following = _forward(picture)
    depth = _depths(following)
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for one in picture.nodes:
        layers[depth[one.name]].append(one.name)
    bends: dict[tuple[str, str], list[str]] = {}
    through: dict[str, list[str]] = {name: [] for name in following}
    for source, targets in following.items():
        for target in targets:
            across = range(depth[source] + 1, depth[target])
            names = [f"{BEND}{source}{BEND}{target}{BEND}{number}" for number in across]
            bends[source, target] = names
            for number, name in zip(across, names, strict=True):
                layers[number].append(name)
            for before, name in pairwise([source, *names, target]):
                through.setdefault(before, []).append(name)
    return _ordered(layers, through), bends


def _depths(following: Mapping[str, list[str]]) -> dict[str, int]:
    depth = dict.fromkeys(following, 0)
    # No path is longer than the number of nodes; the loop ends earlier once no node has moved.
    for _ in following:
        moved = False
        for source, targets in following.items():
            for target in targets:
                if depth[target] <= depth[source]:
                    depth[target], moved = depth[source] + 1, True
        if not moved:
            break
    return depth


def _forward(picture: Picture) -> dict[str, list[str]]:
    """Return the targets of each node's edges, without the edges that would close a cycle."""
    following: dict[str, list[str]] = {one.name: [] for one in picture.nodes}
    for edge in picture.edges:
        is_known = {edge.source, edge.target} <= following.keys()
        if is_known and edge.source not in _from(edge.target, following):
            following[edge.source].append(edge.target)
    return following


def _from(name: str, following: Mapping[str, list[str]]) -> set[str]:
    seen, left = {name}, [name]
    while left:
        for target in following[left.pop()]:
            if target not in seen:
                seen.add(target)
                left.append(target)
    return seen


def _ordered(layers: list[list[str]], following: Mapping[str, list[str]]) -> list[list[str]]:
    """Return the layers, each in an order that puts nodes below those that lead to them."""
    before: dict[str, list[str]] = {name: [] for layer in layers for name in layer}
    for source, targets in following.items():
        for target in targets:
            before[target].append(source)
    for _ in range(SWEEPS):
        at = {name: number for layer in layers for number, name in enumerate(layer)}
        for layer in layers:
            layer.sort(key=lambda name: _middle([at[one] for one in before[name]], at[name]))
    return layers


def _middle(positions: Sequence[int], own: int) -> float:
    return sum(positions) / len(positions) if positions else own


def _drawn_edge(
    edge: PictureEdge,
    corners: Mapping[str, tuple[int, int]],
    bends: Sequence[str],
    right: int,
    number: int,
) -> DrawnEdge:
    (x1, y1), (x2, y2) = corners[edge.source], corners[edge.target]
    if y2 <= y1:  # back up, around the right side
        far, begin, end = right + BESIDE, y1 + HEIGHT // 2, y2 + HEIGHT // 2
        tip = x2 + WIDTH
        path = f"M{x1 + WIDTH} {begin}C{far} {begin} {far} {end} {tip} {end}"
        head = f"M{tip + 7} {end - 4}L{tip} {end}L{tip + 7} {end + 4}"
        beside = far + _half_label(edge)
        return DrawnEdge(edge, path, head, beside, (begin + end) // 2, is_back=True)
    points = [(x1 + WIDTH // 2, y1 + HEIGHT)]
    for name in bends:
        x, y = corners[name]
        points += [(x, y), (x, y + HEIGHT)]
    points.append((x2 + WIDTH // 2, y2))
    path = f"M{points[0][0]} {points[0][1]}" + "".join(map(_curve, pairwise(points)))
    to_x, to_y = points[-1]
    head = f"M{to_x - 4} {to_y - 7}L{to_x} {to_y}L{to_x + 4} {to_y - 7}"
    return DrawnEdge(edge, path, head, *_label_position(points, number))


def _label_position(points: Sequence[tuple[int, int]], number: int) -> tuple[int, int]:
    """Return the position of an edge's label; labels of edges that leave one node don't overlap."""
    (x1, y1), (x2, y2) = points[:2]
    if len(points) > 2:  # noqa: PLR2004 (it has a bend)
        return x2, y2 + HEIGHT // 2 + 4
    part = (2 + number % 3) / 6
    return round(x1 + (x2 - x1) * part), round(y1 + (y2 - y1) * part) + 4


def _curve(ends: tuple[tuple[int, int], tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = ends
    half = (y1 + y2) // 2
    return f"L{x2} {y2}" if x1 == x2 else f"C{x1} {half} {x2} {half} {x2} {y2}"

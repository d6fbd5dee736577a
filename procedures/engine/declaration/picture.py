"""The picture of a procedure: a graph of its steps and of the paths between them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

NodeKind = Literal["step", "question", "timer", "signal", "choice"]
SHAPES: Mapping[str, tuple[str, str]] = {
    "step": ("[", "]"),
    "question": ("{{", "}}"),
    "timer": ("([", "])"),
    "signal": (">", "]"),
    "choice": ("{", "}"),
}
UNQUOTED = re.compile(r'["`#;<>|\n\r]')


@dataclass(frozen=True)
class PictureNode:
    """One step, question or wait of a picture.

    `name` is the name of the step or wait in the code. A node named "pay" also stands for the
    steps "pay.check" and "pay.send", whose names begin with "pay" and a dot. A timer belongs to a
    node if the `reason` of the timer is the `label` of the node.
    """

    name: str
    label: str
    kind: NodeKind = "step"


@dataclass(frozen=True)
class PictureEdge:
    """An edge from one node to another; `label` says when the edge is taken, or is ""."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Picture:
    """The nodes of a procedure in their order, and the edges between them."""

    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...] = ()

    def node_of(self, name: str, reason: str = "") -> PictureNode | None:
        """Return the node that stands for a step or a wait; None if the picture has no such node.

        `name` is the name of the step or wait, for example "pay.check" or "pay#2". `reason` is the
        reason of a timer; the reason is compared with the labels of the nodes.
        """
        plain = name.partition("#")[0]
        known = {one.name: one for one in self.nodes}
        while plain:
            if plain in known:
                return known[plain]
            plain = plain.rpartition(".")[0]
        of_reason = (one for one in self.nodes if reason and one.label == reason)
        return next(of_reason, None)

    def mermaid(self, looks: Mapping[str, str] | None = None) -> str:
        """Return the picture as Mermaid text.

        `looks` maps the name of a node to the Mermaid class in which that node is drawn, for
        example `{"pay": "done"}`.
        """
        numbers = {one.name: f"n{number}" for number, one in enumerate(self.nodes)}
        lines = ["flowchart TD", *(_mermaid_node(numbers[one.name], one) for one in self.nodes)]
        lines += [_mermaid_edge(numbers, edge) for edge in self.edges]
        lines += _mermaid_looks(numbers, looks or {})
        return "\n".join(lines)


def _mermaid_node(number: str, node: PictureNode) -> str:
    begin, end = SHAPES[node.kind]
    return f'    {number}{begin}"{_quoted(node.label)}"{end}'


def _mermaid_edge(numbers: Mapping[str, str], edge: PictureEdge) -> str:
    label = f'|"{_quoted(edge.label)}"|' if edge.label else ""
    return f"    {numbers[edge.source]} -->{label} {numbers[edge.target]}"


def _mermaid_looks(numbers: Mapping[str, str], looks: Mapping[str, str]) -> Iterable[str]:
    for name, look in looks.items():
        yield f"    class {numbers[name]} {look}"


def _quoted(text: str) -> str:
    """Return the text with each character that has a meaning in Mermaid replaced by its code."""
    return UNQUOTED.sub(lambda found: f"#{ord(found[0])};", text)

"""Pictures of procedures: as SVG with the states of a run, and as Mermaid text."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.overview.pictures import MOST_NODES, drawn_picture, find_place_states
from dashboard.overview.rows import Row
from procedures.engine import OptionError, Picture, PictureEdge, PictureNode, procedure
from programs.graphs import Ask, Parallel, Wait
from tests.unit.graphs.flows import add, nothing, of

NOW = datetime(2026, 1, 5, tzinfo=UTC)
FLOW = of(
    *(("check", "review", "amount > 9"), ("check", "pay", "otherwise"), ("review", "check")),
    *(("review", "pay", "review.approved"), ("pay", "both"), ("both", "wait")),
    steps={
        "review": Ask('Pay {amount} "now"?'),
        "both": Parallel([add], callback=nothing),
        "wait": Wait("1h", title="Cool down"),
    },
    start="check",
)


def row(key: str, look: Any, **more: Any) -> Row:
    return Row("step", key, key, look, NOW, **more)


def picture() -> Picture:
    assert FLOW.picture
    return FLOW.picture


def test_a_graph_has_a_picture_of_its_steps_without_the_ends_of_groups() -> None:
    assert [(one.name, one.kind) for one in picture().nodes] == [
        *(("check", "step"), ("review", "question"), ("pay", "step")),
        *(("both.add", "step"), ("both.nothing", "step"), ("wait", "timer")),
    ]
    assert PictureEdge("check", "pay", "otherwise") in picture().edges
    assert PictureEdge("pay", "both.add") in picture().edges


def test_a_long_label_has_two_lines_within_its_box() -> None:
    label = "Is the contract for the new house lawful, and is it well written?"
    drawn = drawn_picture(Picture((PictureNode("a", label, "question"),), ()))

    assert drawn
    [node] = drawn.nodes
    assert [text for text, _ in node.lines] == ["Is the contract for", "the new house…"]
    assert [y - node.y for _, y in node.lines] == [18, 33]


def test_mermaid_text_quotes_what_would_end_a_label() -> None:
    text = picture().mermaid({"review": "person"})

    assert text.startswith("flowchart TD\n")
    assert 'n1{{"Pay … #34;now#34;?"}}' in text
    assert '-->|"amount #62; 9"| n1' in text
    assert "    class n1 person" in text


def test_each_place_has_the_state_of_its_newest_row() -> None:
    rows = [
        row("check", "done"),
        row("check#2", "failed"),
        row("review.prepare", "done"),
        row("gather/review", "person"),
        row("timer#3", "timer", opened={"reason": "Cool down"}),
        row("run", "done", members=[row("pay", "done")]),
        row("unknown", "done"),
    ]

    assert find_place_states(picture(), rows) == {
        "check": "failed",
        "review": "person",
        "wait": "timer",
        "pay": "done",
    }


def test_places_stand_below_those_that_lead_to_them_and_none_covers_another() -> None:
    drawn = drawn_picture(picture())

    assert drawn
    at = {one.node.name: one for one in drawn.nodes}
    assert at["check"].y < at["review"].y < at["pay"].y < at["both.add"].y < at["wait"].y
    assert len({(one.x, one.y) for one in drawn.nodes}) == len(at)
    assert all(one.x >= 0 and one.x + 168 <= drawn.width for one in drawn.nodes)
    assert [one.edge.source for one in drawn.edges if one.is_back] == ["review"]


def test_no_label_of_an_edge_covers_a_node_or_leaves_the_picture() -> None:
    nodes = tuple(PictureNode(one, one) for one in "abcd")
    edges = (PictureEdge("a", "b", "otherwise"), PictureEdge("a", "c", "amount == 'small'"))
    rest = (
        PictureEdge("b", "c"),
        PictureEdge("c", "d"),
        PictureEdge("d", "a", "once more, please"),
    )
    drawn = drawn_picture(Picture(nodes, edges + rest))

    assert drawn
    beside = {one.label: one for one in drawn.edges}
    passing, back = beside["amount == 'small'"], beside["once more, please"]
    for label in (passing, back):
        left, right = label.x - 3 * len(label.label), label.x + 3 * len(label.label)
        assert right < drawn.width
        level = [one for one in drawn.nodes if one.y <= label.y <= one.y + 40]
        assert all(one.x + 168 < left or right < one.x for one in level)


def test_a_large_picture_is_text_alone_and_odd_ones_are_drawn_all_the_same() -> None:
    many = tuple(PictureNode(f"p{n}", f"P {n}") for n in range(MOST_NODES + 1))
    drawn = drawn_picture(Picture(many))
    assert drawn
    assert (drawn.nodes, "P 150" in drawn.text) == ((), True)

    loop = Picture(
        (PictureNode("a", "A"), PictureNode("b", "B")),
        (PictureEdge("a", "a"), PictureEdge("a", "b"), PictureEdge("b", "a")),
    )
    assert drawn_picture(loop)
    assert drawn_picture(Picture(())) is None
    assert drawn_picture(None) is None


def test_a_picture_is_a_picture() -> None:
    with pytest.raises(OptionError, match="picture="):
        procedure(picture="a -> b")  # type: ignore[call-overload]

"""Graphs for workers that are killed; those of litestar-workflows' examples with a checkout."""

from pathlib import Path
from typing import Any

from procedures.engine import Procedure
from programs.graphs import Ask, GraphContext, Signal, Wait, definition_graph, graph
from tests import litestar

MODULE = "tests.crash.graphs"
ANSWERS = {"review_document": {"decision": "approve", "comments": "Well."}}
"""The answers to the examples' questions that aren't a plain yes, by the names of the steps."""
ENDS: list[tuple[str, dict[str, Any], str]] = [
    ("order_processing", {"order_id": "A-7", "items": ["cup"]}, '"TRACK-A-7"'),
    ("document_approval", {"document_id": "D-1"}, '"document_status":"approved"'),
    ("approval_workflow", {}, '"final_status":"approved"'),
    ("simple_workflow", {}, '"simple_executed":true'),
]
"""The examples, each with the data of its start and a part of its result."""


def note(context: GraphContext) -> list[str]:
    """Write into the folder what is done, as an effect that would show twice."""
    with (Path(context.data["folder"]) / "done").open("a") as done:
        done.write(f"{context.current_step}\n")
    return [one.step_name for one in context.step_history]


killed_graph = graph(
    "killed_graph",
    steps={
        "begin": note,
        "law": Ask("Is it lawful?"),
        "tax": Ask("Is it taxed?"),
        "after_law": note,
        "bank": Signal(),
        "nap": Wait("1ms"),
        "join": note,
        "last": Ask("Ship it?"),
        "end": note,
    },
    edges=[
        *(("begin", "law"), ("begin", "tax"), ("begin", "bank"), ("begin", "nap")),
        *(("law", "after_law", "law.approved"), ("after_law", "join"), ("tax", "join")),
        *(("bank", "join"), ("nap", "join"), ("join", "last"), ("last", "end")),
    ],
    inputs={"folder": str},
)


def _examples() -> dict[str, Procedure]:
    if not litestar.CHECKOUT:
        return {}
    with litestar.modules_of_theirs():
        found = litestar.definitions()
    made = [definition_graph(one, module=MODULE) for one in found]
    return {one.name: one for one in made}


globals().update(_examples())

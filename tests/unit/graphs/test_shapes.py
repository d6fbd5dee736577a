"""Graphs that can't work are refused before any run, and say what is wrong."""

from typing import Any

import pytest

from procedures.engine import DefinitionError, Limits
from procedures.testing import run_procedure
from programs.graphs import Ask, Chain, GraphContext, Parallel, Signal, Wait, graph
from tests.unit.graphs.flows import Guarded, add, nothing, of

A, B = ("a", "b"), ("b", "a")


class Odd:
    step_type = "quantum"

    def execute(self, context: Any) -> None: ...


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: graph("g", steps={}), "needs at least one step"),
        (lambda: of(A, B), "every step has one"),
        (lambda: of(A, B, start="a"), "ends, because the edges form a cycle"),
        (lambda: of(A, ("c", "d")), "a and c have none"),
        (lambda: of(A, ("c", "d"), start="a"), "No path from 'a' reaches c, d"),
        (lambda: graph("g", steps={"a": add}, edges=[A]), "names 'b', which isn't a step"),
        (lambda: of(A, start="z"), "start= names 'z'"),
        (lambda: of(A, ends=["z"]), "ends= names 'z'"),
        (lambda: of(A, (*A, "x > 1")), "There are two edges a → b"),
        (lambda: of(A, options={"z": {"retry": 3}}), "options= names z"),
        (lambda: of(A, steps={"b": Odd()}), "has the step_type 'quantum'"),
        (lambda: of(A, steps={"b": Guarded}), "is a class. Write Guarded"),
        (lambda: of(A, steps={"b": object()}), "must be a function, or an object"),
        (lambda: of(A, steps={"b": lambda context: 1}), "is a lambda"),
        (lambda: of(("a", "b/c")), "Invalid step name"),
        (lambda: of(("a", "b" * 61)), "Invalid step name"),
        (lambda: of(("a", "\u202eb")), "Invalid step name"),
        (lambda: of(("a", "b", "import os")), "can't be read"),
        (lambda: graph("g", steps={"a": add}, edges=["a -> b"]), "An edge must be"),
        (
            lambda: graph("g", steps={"a": add}, edges=[(1, 2)]),
            "names or classes of steps at its ends",
        ),
        (lambda: of(A, options={"b": {"assign": "x"}}), "can't have the option 'assign'"),
        (lambda: of(A, steps={"b": Wait("soon")}), "Invalid duration 'soon'"),
        (lambda: of(A, steps={"b": Wait(1)}, options={"b": {"retry": 1}}), "It has no options"),
        (lambda: of(A, steps={"b": Ask("?")}, options={"b": {"expires": "1h"}}), "default"),
        (lambda: of(A, steps={"b": Signal()}, options={"b": {"due": "1h"}}), "'due'"),
        (lambda: of(A, inputs={"not a name": str}), "begin with a letter or _"),
        (lambda: of(A, inputs={"ctx": str}), "ctx is the first parameter of each"),
        (
            lambda: of(A, steps={"b": Ask("?", form_schema={"properties": {"x": {"type": "y"}}})}),
            "must be one of the types",
        ),
        (lambda: of(A, steps={"b": Chain([add]), "b.add": nothing}), "Two steps"),
    ],
)
def test_a_graph_that_can_not_work_is_refused_in_words(make: Any, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        make()


def test_the_version_and_source_are_the_modules() -> None:
    flow = graph("versioned", steps={"a": add}, doc="Add one.")

    assert "test_the_version_and_source_are_the_modules" in flow.source
    assert (flow.doc, flow.fn.__module__) == ("Add one.", __name__)
    assert flow.schema["properties"].keys() == {"data"}


def tell_version(context: GraphContext) -> str:
    return str(context.metadata["workflow_version"])


def test_the_options_of_a_graph_are_those_of_its_procedure() -> None:
    flow = graph(
        "shown",
        steps={"tell": tell_version},
        title="Tell it",
        subject="For {who}",
        version="2.1",
        inputs={"who": (str, "Ann")},
        roles={"start": "support"},
        limits=Limits(steps=7),
    )

    run = run_procedure(flow)

    assert (flow.title, flow.roles, flow.limits.steps) == ("Tell it", {"start": ("support",)}, 7)
    assert (run.subject, run.result["tell"]) == ("For Ann", "2.1")


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def execute(self, context: GraphContext) -> str:
        return self.name


def test_steps_in_groups_have_names_that_fit_however_long_they_are() -> None:
    words = "tell_everybody_in_the_finance_team"
    chain = Chain([Named(f"{words}_first"), Named(f"{words}_then")], name=words)
    group = Parallel([chain, Named(words)], callback=Named(f"{words}_all"))

    run = run_procedure(graph("long", steps={words: group}))

    assert run.status == "succeeded", run.error
    assert len(run.steps) == len({*run.steps}) == 4
    assert all(one.startswith(f"{words}.") and len(one) <= 60 for one in run.steps)


def test_a_form_may_ask_for_a_large_field_as_form_libraries_do() -> None:
    note = {"type": "string", "format": "textarea"}
    steps = {"ask": Ask("Why?", form_schema={"type": "object", "properties": {"note": note}})}
    flow = graph("asking", steps=steps)

    assert run_procedure(flow, humans=lambda _: {"note": "Late."}).result == {
        "ask": {"note": "Late."}
    }

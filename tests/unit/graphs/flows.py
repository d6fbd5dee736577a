"""Functions and classes of steps that the graphs of tests name."""

from collections.abc import Callable
from typing import Any

from procedures.engine import Procedure
from procedures.engine.kinds.questions import Question
from procedures.testing import RehearsedRun
from programs.graphs import GraphContext, graph

done: list[str] = []
"""The acts of the steps, in order."""


def add(context: GraphContext) -> int:
    total: int = context.get("total", 0) + 1
    context.set("total", total)
    return total


def double(amount: float) -> float:
    return amount * 2


def nothing(context: GraphContext) -> None:
    done.append(context.current_step)


def setting(name: str, value: object) -> Callable[[GraphContext], None]:
    def set_value(context: GraphContext) -> None:
        context.set(name, value)

    return set_value


class Guarded:
    """A step in the manner of litestar-workflows, with every method, half of them async."""

    step_type = "machine"

    def __init__(self, name: str = "guarded", description: str = "", *, may: bool = True) -> None:
        self.name, self.description, self.may = name, description, may

    async def can_execute(self, context: GraphContext) -> bool:
        return self.may

    async def execute(self, context: GraphContext) -> str:
        if context.get("breaks"):
            raise OSError("no route")
        return f"{self.name} did it"

    def on_success(self, context: GraphContext, result: Any) -> None:
        context.set("told", result)

    async def on_failure(self, context: GraphContext, error: Exception) -> None:
        done.append(f"{self.name}: {error}")


def of(*edges: Any, **more: Any) -> Procedure:
    """A graph whose steps do nothing, as its edges name them."""
    names = dict.fromkeys(name for edge in edges for name in edge[:2])
    steps = dict.fromkeys(names, nothing) | more.pop("steps", {})
    return graph("drawn", steps=steps, edges=edges, **more)


def question_of(run: RehearsedRun) -> Question:
    """The first question that a run has asked."""
    question = run.asked[0].question
    assert question
    return question

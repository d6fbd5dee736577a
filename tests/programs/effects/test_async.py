"""Nodes and handlers of effects that are coroutines."""

import asyncio
from typing import Any

import pytest

from procedures.engine import Context, DefinitionError
from procedures.testing import run_procedure
from programs.effects import Effect, RunState, StepPlan, as_procedure
from tests.programs.effects.flows import node, of, one


async def end_async(run: RunState, ctx: Any) -> StepPlan:
    await asyncio.sleep(0)
    return StepPlan("end", complete_output={"got": run.vars["got"]})


async def add(run: RunState, effect: Effect) -> int:
    await asyncio.sleep(0)
    return 1 + int(effect.payload["to"])


async def chat(ctx: Context, run: RunState, payload: Any) -> str:
    return ctx.ask("Async?").value


def test_nodes_and_handlers_may_be_async_unless_they_get_the_context() -> None:
    start = node("add", {"to": 6}, "got")
    made = as_procedure(of(start=start, end=end_async), {"add": add})
    assert run_procedure(made).result == {"got": 7}
    with pytest.raises(DefinitionError, match="The handler of chat gets the context, so it can't"):
        as_procedure(one("chat"), {"chat": chat})

"""Agents whose models call the tools that a test tells them to."""

from collections.abc import Sequence
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from procedures.engine import Context, Procedure, procedure
from procedures.testing import run_procedure
from programs.agents import Agent, run_agent


class Scripted:
    """A model that calls these tools, one call a reply, and then repeats the last result."""

    def __init__(self, *calls: ToolCallPart) -> None:
        self.calls = calls
        self.seen: list[Any] = []

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        turn = sum(isinstance(one, ModelResponse) for one in messages)
        self.seen += messages[-1].parts
        if turn < len(self.calls):
            return ModelResponse(parts=[self.calls[turn]])
        last = messages[-1].parts[-1]
        return ModelResponse(parts=[TextPart(str(getattr(last, "content", "")))])


def with_agent(agent: Agent, prompt: str = "Go", **options: Any) -> Procedure:
    @procedure(name="with_agent", listens=bool(options))
    def definition(ctx: Context) -> str:
        return run_agent(ctx, agent, prompt, **options).text

    return definition


def told(tools: Sequence[Any], *calls: ToolCallPart, **options: Any) -> str:
    """Return the last message to a model after these calls of an agent with these tools."""
    model = FunctionModel(Scripted(*calls))
    run = run_procedure(with_agent(Agent("agent", tools=tools, model=model, **options)))
    assert run.error is None, run.error
    return str(run.result)

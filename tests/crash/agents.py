"""An agent whose model and tools die where a test tells them to; see `Desk`."""

from collections.abc import AsyncIterator

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from procedures.engine import Context, Step, procedure
from programs.agents import Agent, Tool, run_agent
from tests.crash.procedures import ROLES, act, stop_at


def find(folder: str, step: Step) -> str:
    """Look something up."""
    return act(folder, step)


def pay(folder: str, amount: int, step: Step) -> str:
    """Pay an amount."""
    return f"{act(folder, step)} {amount}"


def think(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    turn = sum(isinstance(one, ModelResponse) for one in messages)
    folder = str(messages[0].parts[0].content)  # type: ignore[union-attr]  # the prompt
    stop_at(folder, f"request {turn}")
    if turn == 0:
        return ModelResponse(parts=[ToolCallPart("find", {"folder": folder})])
    if turn == 1:
        return ModelResponse(parts=[ToolCallPart("pay", {"folder": folder, "amount": 31})])
    return ModelResponse(parts=[TextPart(str(messages[-1].parts[-1].content))])  # type: ignore[union-attr]  # a result


async def stream(messages: list[ModelMessage], _: AgentInfo) -> AsyncIterator[str]:
    folder = str(messages[0].parts[0].content)  # type: ignore[union-attr]  # the prompt
    for number, word in enumerate(LETTER.split(" ")):
        stop_at(folder, f"word {number}")
        yield f"{word} "


LETTER = "The lamp is on its way and arrives on Friday."
writer = Agent("writer", model=lambda: FunctionModel(stream_function=stream))


@procedure(roles=ROLES)
def writes_by_agent(ctx: Context, folder: str) -> str:
    return run_agent(ctx, writer, folder).text


@procedure(roles=ROLES)
def pays_by_agent(ctx: Context, folder: str) -> str:
    guarded = Tool(pay, needs="approval", prompt="Pay {amount} €?")
    agent = Agent("agent", tools=[find, guarded], model=FunctionModel(think))
    return run_agent(ctx, agent, folder).text

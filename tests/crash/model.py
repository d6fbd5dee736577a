"""A model that dies where a test tells it to: of `tests.crash.agents`."""

from collections.abc import AsyncIterator

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tests.crash.agents import LETTER
from tests.crash.procedures import stop_at


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


thinking, writing = FunctionModel(think), FunctionModel(stream_function=stream)

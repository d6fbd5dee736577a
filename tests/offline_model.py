"""A model without a network, which decides by what it reads: of `tests.procedures.agents`."""

import re
from collections.abc import AsyncIterator

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel


def think(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Look the order up, pay it back, and say how that went."""
    last = messages[-1].parts[-1]
    known = {tool.name for tool in info.function_tools}
    if last.part_kind == "user-prompt":
        return _first(str(last.content), known)
    results = [part for part in messages[-1].parts if part.part_kind == "tool-return"]
    if len(results) == 1 and results[0].tool_name == "find_order":
        given = {"order": "A-7", "amount": "31.20"}
        return ModelResponse(parts=[ToolCallPart("pay_back", given, tool_call_id="pay")])
    told = "; ".join(f"{one.tool_name} {one.outcome}: {one.content}" for one in results)
    return ModelResponse(parts=[TextPart(told)])


def _first(prompt: str, known: set[str]) -> ModelResponse:
    find = ToolCallPart("find_order", {"order": "A-7"}, tool_call_id="find")
    pay = ToolCallPart("pay_back", {"order": "A-7", "amount": "31.20"}, tool_call_id="pay")
    ask = ToolCallPart("ask_colleague", {"question": "Which colour?"}, tool_call_id="ask")
    calls = {"both": [pay, find], "colleague": [ask], "all": [ask, pay, find]}
    if prompt in calls:
        return ModelResponse(parts=calls[prompt])
    if "find_order" not in known:
        return ModelResponse(parts=[TextPart(f"No tools, but: {prompt}")])
    return ModelResponse(parts=[TextPart("I look the order up. "), find])


async def stream(
    messages: list[ModelMessage], info: AgentInfo
) -> AsyncIterator[str | DeltaToolCalls]:
    for number, part in enumerate(think(messages, info).parts):
        if isinstance(part, TextPart):
            for word in re.findall(r"\S+\s*", part.content):
                yield word
        elif isinstance(part, ToolCallPart):
            call = DeltaToolCall(
                part.tool_name, part.args_as_json_str(), tool_call_id=part.tool_call_id
            )
            yield {number: call}


model = FunctionModel(think, stream_function=stream, model_name="offline")

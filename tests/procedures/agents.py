"""Agents on an offline model, which decides by what it reads."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from procedures.engine import Context, Currency, Like, Step, procedure
from programs.agents import Agent, Tool, run_agent

__all__ = ["answers_by_agent", "asks_by_agent", "calls_agent", "pays_together"]

paid: dict[str, list[tuple[str, Decimal]]] = {}
"""The payments, by idempotency key."""
looked_up: list[str] = []


def find_order(order: str) -> dict[str, Any]:
    """Look up an order by its number."""
    looked_up.append(order)
    return {"order": order, "amount": "31.20"}


def pay_back(order: str, amount: Annotated[Decimal, Currency("EUR")], step: Step) -> str:
    """Pay an amount back to the customer."""
    paid.setdefault(step.idempotency_key, []).append((order, amount))
    return f"{amount} € paid back"


def ask_colleague(ctx: Context, question: str) -> str:
    """Ask a colleague something that no tool knows."""
    return str(ctx.ask(question, assign="finance").value)


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


def offline() -> FunctionModel:
    return FunctionModel(think, stream_function=stream, model_name="offline")


GUARDED = Tool(
    pay_back,
    needs="approval",
    prompt="Pay back {amount} € for {order}?",
    asking={
        "assign": "finance",
        "expires": "2h",
        "default": False,
        "repeatable": Like(fields=["order"], at_most={"amount": 100}),
    },
)
support = Agent(
    "support",
    instructions="Help the customer.",
    tools=[find_order, GUARDED, ask_colleague],
    model=offline,
)


@procedure(roles={"start": "support", "answer": "finance", "operate": "operators"})
def answers_by_agent(ctx: Context, text: str = "refund") -> str:
    """Answers a customer."""
    return run_agent(ctx, support, text).text


@procedure(roles={"start": "support", "answer": "finance", "operate": "operators"})
def asks_by_agent(ctx: Context) -> str:
    return run_agent(ctx, support.only("ask_colleague"), "colleague").text


@procedure(roles={"start": "support", "answer": "finance", "operate": "operators"})
def calls_agent(ctx: Context) -> str:
    """Has a child answer, whose agent has a tool that asks a person."""
    return f"child: {ctx.call(asks_by_agent)}"


TOGETHER = Tool(pay_back, needs="approval", asking={"assign": "finance", "quorum": 2})


@procedure
def pays_together(ctx: Context) -> str:
    """Pays what two people approve, of whom one may change the amount."""
    agent = Agent("payer", tools=[find_order, TOGETHER], model=offline)
    return run_agent(ctx, agent, "refund").text

"""The demo's agent, which answers customers of a shop. It needs no provider of models.

The agent's model consists of a few rules in Python. So the demo works without a key, and gives the
same answers each time.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from procedures.engine import Context, Currency, Like, Step, procedure
from programs.agents.agent import Agent
from programs.agents.running import run_agent
from programs.agents.tools import Tool

if TYPE_CHECKING:
    from pydantic_ai.models.function import FunctionModel

NUMBER = re.compile(r"\d{4}-\d{4}")
GREETING = "Kind regards  \nThe shop\n"
"""The end of a letter; in Markdown, two spaces keep the line's end."""
Amount = Annotated[Decimal, Currency("EUR")]
Mail = Annotated[str, Field(max_length=5_000, description="What the customer wrote")]


@dataclass(frozen=True)
class Order:
    """An order of the demo's shop."""

    item: str
    price: str
    state: str


ORDERS = {
    "2026-1187": Order("Desk lamp, brass", "41.10", "delivered on 3 November"),
    "2026-1188": Order("Floor lamp, oak", "156.00", "delivered on 9 November"),
    "2026-1189": Order("Pendant lamp, glass", "89.50", "on its way"),
}


def find_order(order: str) -> dict[str, str]:
    """Look up an order by its number, such as 2026-1187."""
    found = ORDERS.get(order)
    return {"order": order, **asdict(found)} if found else {"order": order, "state": "unknown"}


def pay_back(order: str, amount: Amount, reason: str, step: Step) -> dict[str, str]:
    """Pay an amount back to the customer of an order."""
    return {"order": order, "amount": str(amount), "reference": step.idempotency_key[-12:]}


def ask_colleague(ctx: Context, question: str) -> str:
    """Ask a colleague in support something that no tool knows."""
    return str(ctx.ask(question, assign="support").value)


def decide(messages: list[Any]) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Return the next reply of the demo's model: its text, and its tool calls (name, arguments)."""
    mail = str(messages[0].parts[-1].content)
    results = {part.tool_name: part for one in messages for part in _results(one)}
    number = NUMBER.search(str(getattr(results.get("ask_colleague"), "content", "")) or mail)
    number = number or NUMBER.search(mail)
    if number is None:
        question = "Which order does the customer mean?"
        return "The mail names no order. ", [("ask_colleague", {"question": question})]
    if "find_order" not in results:
        return f"I'll look up order {number[0]}.", [("find_order", {"order": number[0]})]
    order = results["find_order"].content
    if "price" not in order:
        return f"Dear customer,\n\nwe have no order {number[0]}. Please check the number.\n", []
    is_damaged = re.search("broken|damaged|cracked|scratched", mail, re.IGNORECASE)
    if is_damaged and "pay_back" not in results:
        given = {"order": number[0], "amount": order["price"], "reason": is_damaged[0].lower()}
        return f"{order['item']}: {order['state']}. I'll ask for a refund.", [("pay_back", given)]
    return _letter(order, results.get("pay_back")), []


def _results(message: Any) -> list[Any]:
    return [part for part in message.parts if part.part_kind == "tool-return"]


def _letter(order: dict[str, str], payment: Any) -> str:
    """Return the letter to the customer, which names the refund or says why there is no refund."""
    begin = f"Dear customer,\n\nthank you for your mail about **{order['item']}** "
    begin += f"(order {order['order']}). "
    if payment is None:
        return f"{begin}It is {order['state']}.\n\n{GREETING}"
    if payment.outcome != "success":
        why = str(payment.content).partition(": ")[2]
        reason = f" {why}" if why else ""
        words = "We are sorry that we can't give you a refund."
        return f"{begin}{words}{reason}\n\n{GREETING}"
    paid = payment.content.get("result", payment.content)
    end = f"We have paid back **{paid['amount']} €** (reference {paid['reference']})."
    return f"{begin}{end}\n\n{GREETING}"


def offline_model() -> "FunctionModel":
    """Return the demo's model; it streams the text from `decide` word by word."""
    from pydantic_ai.models.function import DeltaToolCall, FunctionModel  # noqa: PLC0415 (an extra)

    async def stream(messages: list[Any], _: Any) -> AsyncIterator[Any]:
        text, calls = decide(messages)
        for piece in re.findall(r"\S+\s*", text):
            yield piece
        for number, (tool, given) in enumerate(calls, start=1):
            call = DeltaToolCall(tool, tool_call_id=f"{tool}-{len(messages)}")
            call.json_args = json.dumps(given)
            yield {number: call}

    return FunctionModel(stream_function=stream, model_name="demo")


desk_agent = Agent(
    "shop_agent",
    instructions="You answer customers of a lamp shop. Refund lamps that arrived broken.",
    tools=[
        find_order,
        Tool(
            pay_back,
            needs="approval",
            prompt="Pay back {amount} € for order {order}?",
            asking={
                "assign": "finance",
                "expires": "1 day",
                "default": False,
                "repeatable": Like(fields=["reason"], at_most={"amount": 100}),
            },
        ),
        ask_colleague,
    ],
    model=offline_model,
)


@procedure(
    title="Answer a customer with an agent",
    subject="Answer: {mail}",
    listens=True,
    roles={"start": "support", "answer": ["finance", "support"], "operate": "operators"},
)
def answer_customer(
    ctx: Context, mail: Mail = "The desk lamp of my order 2026-1187 arrived broken."
) -> str:
    """Answer a customer's mail with an agent, which looks up the order.

    If the customer writes that something arrived broken, the agent asks finance to pay the money
    back. Finance can change the amount or say no, and the agent writes its letter accordingly.
    """
    return run_agent(ctx, desk_agent, mail, hears=True).text

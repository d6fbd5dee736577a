"""Agents on an offline model, which decides by what it reads."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from procedures.engine import Context, Currency, Like, Step, procedure
from programs.agents import Agent, Tool, run_agent

if TYPE_CHECKING:
    from pydantic_ai.models.function import FunctionModel

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


def offline() -> "FunctionModel":
    """Return the model; to import what it is made of takes each process half a second."""
    from tests.offline_model import model  # noqa: PLC0415

    return model


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

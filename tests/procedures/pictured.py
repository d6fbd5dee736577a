"""Graphs whose pictures are shown: one with ways that part, meet and lead back."""

from programs.graphs import Ask, GraphContext, graph


def look_up(context: GraphContext) -> str:
    return f"Order {context.get('order')}"


def weigh(context: GraphContext) -> float:
    return 1.5


def call_the_carrier(context: GraphContext) -> str:
    return "It is on its way."


def pay_back(context: GraphContext) -> str:
    return "Paid back."


def write(context: GraphContext) -> None: ...


returned = graph(
    "returned",
    steps={
        "look_up": look_up,
        "weigh": weigh,
        "call_the_carrier": call_the_carrier,
        "review": Ask("Pay back {amount} € for order {order}?"),
        "explain": Ask("What does the customer say about order {order}?"),
        "pay_back": pay_back,
        "رسالة": write,
    },
    edges=[
        ("look_up", "weigh"),
        ("look_up", "call_the_carrier"),
        ("weigh", "review"),
        ("call_the_carrier", "review"),
        ("review", "pay_back", "review.approved"),
        ("review", "explain", "otherwise"),
        ("explain", "review", "explain.approved"),
        ("explain", "رسالة", "otherwise"),
        ("pay_back", "رسالة"),
    ],
    inputs={"order": str, "amount": int},
)

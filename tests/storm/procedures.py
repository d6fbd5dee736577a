"""A run with many numbered events, and now and then a question."""

from procedures.engine import Context, procedure

PACES = 40
"""Steps between two questions."""


def pace(leg: int, number: int) -> str:
    return f"{leg}/{number}"


@procedure(roles={"start": "support", "answer": "finance"})
def march(ctx: Context, legs: int) -> None:
    for leg in range(legs):
        ctx.approve(f"Leg {leg}: go on?")
        for number in range(PACES):
            ctx.step(pace, leg, number, name="pace")

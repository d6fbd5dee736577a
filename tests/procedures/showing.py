"""Procedures that show how far they are, in their own words."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from procedures.engine import Context, Step, procedure

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
WAITS: dict[str, Callable[..., Any]] = {
    "sleep": lambda ctx, **why: ctx.sleep("1h", **why),
    "sleep_until": lambda ctx, **why: ctx.sleep_until(NOON, **why),
    "timer": lambda ctx, **why: ctx.timer("1h", **why).wait(),
    "paid": lambda ctx, **why: ctx.signal("paid", **why).wait(),
}


@procedure
def keeps_state(ctx: Context, size: int) -> None:
    ctx.stage("Packed")
    ctx.state["gone"] = ctx.state["parcels"] = 1
    del ctx.state["gone"]
    ctx.gather(north, south)
    ctx.state["text"] = "x" * size
    ctx.stage("Sent")
    ctx.step(send)
    if size > 1:
        ctx.progress("half of it", 1, 2)
    ctx.approve("Enough?")


def send(step: Step) -> None:
    step.progress("sending", 3)


def north(ctx: Context) -> None:
    ctx.state.increment("parcels", 2)
    ctx.state.append("places", "Oslo")


def south(ctx: Context) -> None:
    ctx.state.increment("parcels", 4)
    ctx.state.append("places", "Rome")


@procedure
def waits_for_a_reason(ctx: Context, wait: str, reason: Any) -> None:
    WAITS[wait](ctx, reason=reason)


@procedure
def waits_for_another_reason(ctx: Context, wait: str, reason: Any) -> None:
    WAITS[wait](ctx, reason="Other words.")


class Delivery(BaseModel):
    """A parcel as its carrier describes it."""

    parcel: str
    weight: Decimal
    arrives: date | None = None


@procedure
def waits_for_a_delivery(ctx: Context) -> str:
    delivery = ctx.signal("delivered", Delivery).wait().value
    return f"{delivery.parcel}: {delivery.weight} kg"


@procedure
def planning(ctx: Context) -> None:
    """Name the stages that follow, and later other ones."""
    ctx.stage("Check", then=["Pay", "Pack", "Send"])
    ctx.approve("Pay?")
    ctx.stage("Pay")
    ctx.approve("Send?")
    ctx.stage("Pack", then=["Fetch"])
    ctx.approve("Fetch?")
    ctx.stage("Something else")


@procedure
def badly_planned(ctx: Context, then: Any) -> None:
    ctx.stage("Check", then=then)

"""Runs that have a subject of their own."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from procedures.engine import Context, File, procedure


@procedure(
    title="Refund an order",
    subject="Refund {amount:,.2f} € for {order}",
    roles={"start": "support", "answer": "finance"},
)
def named_refund(ctx: Context, amount: Decimal, order: str = "A-1") -> None:
    ctx.approve(f"Refund {amount} €?")


@procedure(subject="All refunds of {day:%d.%m.%Y}: {orders}")
def named_refunds(ctx: Context, orders: list[str], day: date) -> None:
    ctx.map(named_refund, [{"amount": "5", "order": order} for order in orders])
    ctx.call(named_refund, amount=Decimal(7), order="the last one")


@procedure(subject="{text} · {count:,} · {share:.0%} · {kind} · {is_open} · {note} · {files}")
def named_in_every_way(  # noqa: PLR0913, PLR0917 (an input of each type)
    ctx: Context,
    text: str,
    count: int = 12345,
    share: float = 0.256,
    kind: Annotated[Literal["small", "large"], "a size"] = "small",
    is_open: bool = True,  # noqa: FBT001, FBT002
    note: str | None = None,
    files: list[File] | None = None,
) -> None:
    """Has an input of each type that a subject can show."""


@procedure(roles={"start": "support", "operate": "stewards"})
def named_for_stewards(_ctx: Context) -> None:
    """Has a group that only its roles name."""

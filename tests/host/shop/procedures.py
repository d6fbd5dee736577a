"""Decisions of the people of the shop."""

from procedures.engine import Context, procedure
from tests.host.shop.models import Order


@procedure(title="Send an order", roles={"start": "clerks", "answer": "packers"})
def send_order(ctx: Context, number: int) -> bool:
    """Send an order once a packer has packed and checked it."""
    is_packed = ctx.approve(f"Is order {number} packed?")
    is_checked = ctx.approve(f"Is order {number} checked?")
    return ctx.step(send, number) if is_packed and is_checked else False


def send(number: int) -> bool:
    return bool(Order.objects.filter(number=number).update(is_sent=True))

"""Orders of office supplies: people say in the chat what they need, and finance approves it."""

import re
from dataclasses import dataclass

from procedures.engine import Context, Step, procedure

ADDED = re.compile(r"(\d{1,4}) (\S.{0,79})")
REMOVED = re.compile(r"no (\S.{0,79})", re.IGNORECASE)
DONE = ("done", "that's all", "thanks")
GREETING = "What do you need? Write for example “12 pens” or “no pens”, and “done” at the end."


@dataclass(frozen=True)
class Ordered:
    """The ordered items with the supplier's reference; both are empty if nothing was ordered."""

    items: dict[str, int]
    reference: str = ""


@procedure(
    title="Order supplies",
    subject="Supplies from {supplier}",
    roles={"start": "support", "answer": "finance", "operate": "operators"},
    listens=True,
)
def order_supplies(ctx: Context, supplier: str = "Paper & Pens") -> Ordered:
    """Agree on an order with the people in the session, and place it if finance approves.

    If nobody writes for a day, nothing is ordered.
    """
    basket: dict[str, int] = {}
    reply = GREETING
    while message := ctx.converse(reply, expires="1 day"):
        if message.text.strip().lower() in DONE:
            break
        reply = change_basket(basket, message.text.strip())
    if not (message and basket):
        ctx.notify("Nothing is ordered.")
        return Ordered({})
    decision = ctx.approve(
        f"Order {listed(basket)} from {supplier}?", assign="finance", evidence=basket
    )
    # Texts that people wrote meanwhile are notes for whoever reads the order, and don't change it.
    notes = [f"{note.sender}: {note.text}" for note in ctx.inbox()]
    if not decision:
        ctx.notify("Nothing is ordered.")
        return Ordered({})
    reference = ctx.step(place_order, supplier, basket, notes)
    ctx.notify(f"Ordered {listed(basket)}. The reference is {reference}.")
    return Ordered(basket, reference)


def change_basket(basket: dict[str, int], text: str) -> str:
    """Change the basket as the text says, such as "12 pens", and return the reply to the text."""
    if removed := REMOVED.fullmatch(text):
        if basket.pop(removed[1], None) is None:
            return f"There are no {removed[1]} in the order. It has {listed(basket)}."
    elif added := ADDED.fullmatch(text):
        basket[added[2]] = int(added[1])
    else:
        return f"I didn't understand “{text}”. {GREETING}"
    return f"The order has {listed(basket)}. What else?"


def listed(basket: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in basket.items()) or "nothing"


def place_order(supplier: str, basket: dict[str, int], notes: list[str], step: Step) -> str:
    """Pretend to place the order, and return a reference for it.

    A real supplier would get the idempotency key together with the order.
    """
    step.progress(f"Sent the order to {supplier} (lines: {len(basket)}, notes: {len(notes)})")
    return f"S-{step.idempotency_key[-12:].upper()}"

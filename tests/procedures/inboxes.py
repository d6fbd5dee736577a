"""Requests of every kind for one inbox, as many as a test wants, in the order it wants."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from procedures.engine import Context, Currency, procedure

MANY = {f"depot-{n}": f"Depot {n}, {'north' if n % 2 else 'south'}" for n in range(1, 13)}
DRAFT = "Dear customer,\nthank you.\n"


class ParcelForm(BaseModel):
    """A form of three fields."""

    name: Annotated[str, Field(max_length=80)]
    parcels: Annotated[int, Field(ge=1, le=9)]
    carrier: Literal["post", "van", "bike"]


PARCEL = {"name": "Blum", "parcels": 3, "carrier": "van"}


@procedure(roles={"start": "support", "answer": "finance", "operate": "operators"})
def inbox_item(
    ctx: Context,
    prompt: str,
    kind: str = "approval",
    assign: str = "finance",
    options: dict[str, Any] | None = None,
) -> Any:
    """Asks one question of a kind, with options such as due or risk."""
    given: dict[str, Any] = {"assign": assign, **(options or {})}
    asks: dict[str, Callable[[], Any]] = {
        "action": lambda: ctx.request("action", prompt, PARCEL, ParcelForm, **given),
        "approval": lambda: ctx.approve(prompt, **given),
        "choice": lambda: ctx.choose(prompt, ["Repair", "Replace", "Refund"], **given),
        "long choice": lambda: ctx.choose(prompt, MANY, **given),
        "text": lambda: ctx.ask(prompt, **given),
        "money": lambda: ctx.ask(prompt, Annotated[Decimal, Currency("EUR")], **given),
        "date": lambda: ctx.ask(prompt, date, **given),
        "form": lambda: ctx.form(prompt, ParcelForm, **given),
        "review": lambda: ctx.review(prompt, given.pop("draft", DRAFT), **given),
        "upload": lambda: ctx.upload(prompt, **given),
        "escalation": lambda: ctx.escalate(prompt, **given),
    }
    return asks[kind]().value


def pay_nine() -> str:
    return "paid"


def write_mail() -> str:
    return "sent"


def tell_shop() -> str:
    return "told"


@procedure(roles={"start": "support", "answer": "finance", "operate": "operators"})
def paid_after_approval(ctx: Context) -> str:
    """Asks, and then does something that depends on the answer."""
    if not ctx.approve("Pay 9 €?", assign="finance"):
        return ctx.step(tell_shop)
    ctx.step(pay_nine)
    return ctx.step(write_mail)

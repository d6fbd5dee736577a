"""A procedure that asks whatever a test wants to be asked."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from procedures.engine import Context, procedure


class Carrier(Enum):
    POST = "post"
    OWN_VAN = "own_van"


class Return(BaseModel):
    """A form with every kind of field."""

    amount: Annotated[
        Decimal,
        Field(gt=0, le=500, decimal_places=2, title="Amount to pay back", description="In euros."),
    ]
    parcels: Annotated[int, Field(ge=1, le=9)] = 1
    weight: float | None = None
    due: date
    carrier: Carrier
    packing: Literal["carton", "crate"] = "carton"
    extras: list[Literal["gift_wrap", "insurance"]] = []
    items: list[str] = ["lamp"]
    sender: str
    note: Annotated[str, Field(max_length=400)] = ""
    is_broken: bool = False


@procedure
def one_of_each(ctx: Context, kind: str) -> Any:
    """Asks one question of the kind."""
    asks: dict[str, Callable[[], Any]] = {
        "approval": lambda: ctx.approve("Pay 31.20 €?", yes="Pay 31.20 €", no="Keep the money"),
        "text": lambda: ctx.ask("What is it called?"),
        "whole": lambda: ctx.ask("How many?", Annotated[int, Field(ge=1)]),
        "decimal": lambda: ctx.ask("How much?", Decimal),
        "date": lambda: ctx.ask("When?", date),
        "boolean": lambda: ctx.ask("Is it wet?", bool),
        "choice": lambda: ctx.choose("Which one?", {"a": "Apples", "b": "Bread", "3": "Cake"}),
        "many": lambda: ctx.choose("Which ones?", ["a", "b", "c"], many=True),
        "review": lambda: ctx.review("Is this right?", "Dear bob,\nthe parcel comes.\n"),
        "data": lambda: ctx.review(
            "Are these right?",
            {"total": 7, "items": ["lamp"]},
            decisions={"items": "Send", "request_changes": "Request changes", "drop": "Drop it"},
        ),
        "form": lambda: ctx.form("How is it sent back?", Return),
        "problem": lambda: ctx.escalate("The bank is silent", evidence={"tries": 3}),
        "told of trouble": lambda: tell_of_trouble(ctx),
        "fleeting": lambda: ctx.approve("Still there?", expires="1h", on_timeout="withdraw"),
        "told": lambda: ctx.approve(
            "Go?",
            body="**Bold** <script>alert(1)</script> [here](javascript:alert(1)) ![x](/y.png)",
            evidence={"who": "<b>bob</b>", "parts": [{"a": 1, "b": "2.50"}], "is_new": True},
            expires="1h",
            default=False,
        ),
    }
    return asks[kind]().value


@procedure(roles={"start": "support", "answer": "finance"})
def final_answers(ctx: Context, kind: str) -> Any:
    """Asks one question of the kind, whose answer can't be undone."""
    asks: dict[str, Callable[[], Any]] = {
        "approval": lambda: ctx.approve(
            "Delete 1,204 files?", yes="Delete ALL files", no="Keep them", irreversible=True
        ),
        "unlabelled": lambda: ctx.approve("Delete 1,204 files?", irreversible=True),
        "text": lambda: ctx.ask("Which name is struck off?", irreversible=True),
        "whole": lambda: ctx.ask("How many are burnt?", int, irreversible=True),
        "decimal": lambda: ctx.ask("How much is paid?", Decimal, irreversible=True),
        "boolean": lambda: ctx.ask("Is it to be burnt?", bool, irreversible=True),
        "choice": lambda: ctx.choose(
            "Which one is burnt?", {"a": "Apples", "b": "Bread"}, irreversible=True
        ),
        "many": lambda: ctx.choose("Which are burnt?", ["a", "b"], many=True, irreversible=True),
        "review": lambda: ctx.review("Is this sent?", "Dear bob,\n", irreversible=True),
        "data": lambda: ctx.review(
            "Is this paid?",
            {"total": 7},
            decisions={"pay": "Pay it", "drop": "Drop it"},
            irreversible=True,
        ),
        "form": lambda: ctx.form("Where is it sent?", Target, irreversible=True),
        "problem": lambda: ctx.escalate("The bank is silent", irreversible=True),
    }
    return asks[kind]().value


class Target(BaseModel):
    """Where a thing goes that does not come back."""

    street: str
    is_fragile: bool = False


def tell_of_trouble(ctx: Context) -> Any:
    """Alerts of each level, and a question."""
    ctx.alert("The price list is a day old.", level="info")
    ctx.alert("Two of 60 orders have no price.")
    ctx.alert("The bank has refused order A-7.", level="error")
    ctx.alert("Somebody was paid twice: order A-9.", level="critical")
    return ctx.approve("Go on?")

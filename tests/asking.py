"""A procedure that asks whatever a test wants to be asked."""

import base64
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from procedures.engine import Context, Currency, File, Webhook, procedure


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
        "action": lambda: ctx.request(
            "action", "Pay back?", PAYMENT, Payment, yes="Pay back", evidence=PAYMENT
        ),
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
        "moment": lambda: ctx.ask("When?", datetime),
        "length": lambda: ctx.ask("How long?", timedelta),
        "money": lambda: ctx.ask("How much?", Annotated[Decimal, Currency("EUR")]),
        "described": lambda: ctx.choose(
            "Which one?", {"a": "Apples", "b": "Bread"}, descriptions={"b": "Baked today"}
        ),
        "own words": lambda: ctx.choose("Which one?", ["a", "b"], other="Another one"),
        "own words too": lambda: ctx.choose("Which ones?", ["a", "b"], many=True, other=True),
        "nested": lambda: ctx.form("What is sent?", Delivery),
        "schema": lambda: ctx.form("Where?", schema=SCHEMA),
        "upload": lambda: ctx.upload("Which paper?", accept="text/*", largest="1 kB"),
        "uploads": lambda: ctx.upload("Which papers?", many=True),
        "file": lambda: ctx.review("Is it right?", ctx.step(keep_paper)),
        "undoable file": lambda: ctx.review("Right?", ctx.step(keep_paper), undo="10s"),
        "markdown": lambda: ctx.review("Right?", "# Title\n\n<b>x</b>\n", format="markdown"),
        "code": lambda: ctx.review("Right?", "x = 1\ny = 2\n", format="code"),
        "table": lambda: ctx.review("Right?", [{"name": "lamp", "count": 2}], format="table"),
        "evidence": lambda: ctx.approve("Go?", evidence=ctx.step(gather_evidence)),
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
        "upload": lambda: ctx.upload("Which paper is burnt?", irreversible=True),
        "nested": lambda: ctx.form("What is sent?", Delivery, irreversible=True),
    }
    return asks[kind]().value


class Payment(BaseModel):
    """The values of an action, which people may change."""

    order: str
    amount: Annotated[Decimal, Currency("EUR")]
    note: str = ""


PAYMENT = {"order": "A-7", "amount": "31.20"}


class Line(BaseModel):
    """A line of a delivery."""

    thing: str
    price: Annotated[Decimal, Currency("EUR")] = Decimal("1.50")


class Place(BaseModel):
    city: str
    floor: int | None = None


class Delivery(BaseModel):
    """A form with a nested model, an optional one, a list of models, and files."""

    to: Place
    pickup: Place | None = None
    lines: Annotated[list[Line], Field(max_length=3)] = []
    at: datetime | None = None
    lasts: timedelta = timedelta(hours=2)
    counts: list[int] = []
    scan: File | None = None
    photos: list[File] = []


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "zone": {"type": "string", "title": "Which zone?", "description": "As on the map."},
        "speed": {"oneOf": [{"const": "s", "title": "By ship"}, {"const": "a", "title": "By air"}]},
        "mail": {"type": "string", "format": "email"},
    },
    "required": ["zone"],
}


def keep_paper() -> File:
    return File.keep("paper.csv", "name;count\nlamp;2\n")


def gather_evidence() -> dict[str, Any]:
    """Evidence of each form: sections, a table, differences, a picture and a file."""
    return {
        "order": {"number": "A-7", "buyer": {"name": "Ben", "city": "Ulm"}},
        "lines": [{"thing": "lamp", "price": "31.20"}],
        "text": {"before": "one\ntwo\n", "after": "one\n2\n"},
        "price": {"before": {"net": 1, "tax": 2}, "after": {"net": 1, "tax": 3}},
        "picture": File.keep("a.png", PICTURE),
        "paper": File.keep("paper.csv", "name;count\nlamp;2\n"),
    }


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Target(BaseModel):
    """The address of a thing that doesn't come back."""

    street: str
    is_fragile: bool = False


def tell_of_trouble(ctx: Context) -> Any:
    """Alerts of each level, and a question."""
    ctx.alert("The price list is a day old.", level="info")
    ctx.alert("Two of 60 orders have no price.")
    ctx.alert("The bank has refused order A-7.", level="error")
    ctx.alert("Somebody was paid twice: order A-9.", level="critical")
    return ctx.approve("Go on?")


@procedure(roles={"start": "support", "answer": "finance"})
def reads_paper(ctx: Context) -> str:
    """Asks for a file, reads it in a step, and does something with what it says."""
    paper = ctx.upload("Which paper?").value
    text = ctx.step(paper.text, name="read")
    return str(ctx.step(text.upper, name="shout"))


@procedure(roles={"answer": "finance"})
def reporting(ctx: Context, hook: Annotated[str, Webhook()] = "") -> Any:
    return ctx.approve("Done?").value


@procedure(roles={"answer": "finance"})
def calls_question(ctx: Context) -> Any:
    return ctx.call(reporting)

"""Procedures with inputs of all kinds."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, BaseModel

from procedures.engine import Context, File, procedure
from tests.procedures.steps import Speed


class Address(BaseModel):
    city: str


@procedure
def typed_inputs(  # noqa: PLR0913, PLR0917 (inputs come by name)
    ctx: Context,
    count: int,
    price: Decimal = Decimal(1),
    day: date | None = None,
    urgent: bool = False,  # noqa: FBT001, FBT002
    speed: Speed = Speed.SLOW,
    tags: tuple[str, ...] = (),
    address: Address | None = None,
    paper: File | None = None,
) -> int:
    ctx.approve("Go on?")
    return count


@procedure
def sized_inputs(
    ctx: Context,
    count: int,
    price: Decimal = Decimal(1),
    tags: tuple[str, ...] = (),
    sizes: dict[str, int] = {},  # noqa: B006 (the engine copies it)
    paper: File | None = None,
) -> int:
    return count


class Sending(BaseModel):
    city: str
    scan: File | None = None


class SentLine(BaseModel):
    thing: str
    label: File | None = None


@procedure
def nested_inputs(
    ctx: Context,
    to: Sending,
    lines: list[SentLine] = [],  # noqa: B006 (the engine copies it)
    photos: list[File] = [],  # noqa: B006
    plan: File | None = None,
) -> list[Any]:
    def read() -> str:
        return to.scan.text() if to.scan else ""

    return [ctx.step(read), [one.name for one in photos]]


@procedure
def appointment(
    ctx: Context, at: AwareDatetime, local: datetime | None = None, lasts: timedelta | None = None
) -> list[Any]:
    return [at, local, lasts]


@procedure
def any_question(ctx: Context, kind: str) -> Any:
    questions: dict[str, Callable[[], Any]] = {
        "approval": lambda: ctx.approve("Go?", evidence={"order": 7}),
        "text": lambda: ctx.ask("What?", str),
        "whole": lambda: ctx.ask("How many?", int),
        "amount": lambda: ctx.ask("How much?", Decimal),
        "day": lambda: ctx.ask("When?", date),
        "one": lambda: ctx.choose("Which?", {"a": "Apple", "b": "Pear"}),
        "many": lambda: ctx.choose("Which?", ["a", "b"], many=True),
        "review": lambda: ctx.review("Fine?", "Dear bob"),
    }
    return questions[kind]().value


@procedure
def assigned_question(ctx: Context, whom: tuple[str, ...]) -> bool:
    return bool(ctx.approve("Go?", assign=whom))

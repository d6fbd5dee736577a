"""Several questions at once, problems, and alerts."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from procedures.engine import Context, procedure
from tests.procedures.traces import saw


class Carrier(Enum):
    POST = "post"
    OWN_VAN = "own_van"


class Shipping(BaseModel):
    sender: str
    amount: Annotated[Decimal, Field(gt=0)]
    due: date | None = None
    carrier: Carrier = Carrier.POST
    items: list[str] = []


@dataclass
class Visit:
    day: date
    is_loud: bool = False


class Note(TypedDict):
    text: str


class Odd(BaseModel):
    sender: dict[str, int]


class Nested(BaseModel):
    shipping: Odd


class Endless(BaseModel):
    next: "Endless | None" = None


class Nothing(BaseModel):
    pass


class Validated(BaseModel):
    name: Annotated[str, AfterValidator(str.title)]


MODELS: dict[str, Any] = {
    one.__name__: one for one in (Shipping, Visit, Note, Nested, Endless, Nothing, Validated, int)
}


@procedure
def form_of(ctx: Context, model: str) -> Any:
    """Asks for the model, then once more for something, so that the answer is replayed."""
    said = ctx.form("What is sent?", MODELS[model])
    saw.append(said.value)
    ctx.approve("Send it?")
    return said.value


@procedure
def form_with_default(ctx: Context) -> Any:
    default = Shipping(sender="the shop", amount=Decimal(5))
    said = ctx.form("What is sent?", Shipping, expires="1h", default=default)
    saw.append(said)
    return said.value


@procedure
def form_or_signal(ctx: Context) -> str:
    form, paid = ctx.later.form("What?", Note, name="what"), ctx.signal("paid")
    return "form" if ctx.wait_any(form, paid) is form else "signal"


@procedure
def troubled(ctx: Context, whom: list[str] = []) -> str:  # noqa: B006 (the engine copies it)
    said = ctx.escalate("The bank is silent", assign=whom)
    return f"{said.responder}: {said.value}"


@procedure
def troubled_for_an_hour(ctx: Context) -> bool:
    return bool(ctx.escalate("The bank is silent", expires="1h", on_timeout="withdraw"))


@procedure
def alarmed(ctx: Context, level: str = "critical") -> bool:
    ctx.alert("Two orders have no price.")
    ctx.alert("Somebody was paid twice.", level=level)  # type: ignore[arg-type]
    return bool(ctx.approve("Go on?"))

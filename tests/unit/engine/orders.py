"""A procedure with inputs of many types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from procedures.engine import Check, Context, InputError, Procedure, procedure
from procedures.engine.values.files import use_file_store
from procedures.testing.files import MemoryFiles


class Speed(Enum):
    SLOW = "slow"
    FAST = "fast"


@dataclass
class Line:
    amount: Decimal
    tags: list[str] = field(default_factory=list)


class Order(BaseModel):
    number: int = Field(alias="orderNumber")
    lines: list[Line]


class Address(TypedDict):
    city: str


def is_round(amount: Decimal) -> None:
    if amount % 10:
        raise ValueError(f"{amount} is not round.")


@procedure
def send_order(  # noqa: PLR0913 (many types)
    ctx: Context,
    order: Order,
    due: date,
    amount: Annotated[Decimal, Check(is_round)],
    speed: Speed = Speed.SLOW,
    address: Address | None = None,
    *,
    is_gift: bool = False,
    zones: dict[int, str] = {7: "north"},  # noqa: B006 (it is copied)
    line: Line = Line(Decimal(1)),  # noqa: B008
) -> None:
    """Send an order.

    In one parcel.
    """


def faults(definition: Procedure, raw: Mapping[str, Any]) -> dict[str, str]:
    with use_file_store(MemoryFiles()), pytest.raises(InputError) as caught:
        definition.parse(raw)
    return {fault.field: fault.message for fault in caught.value.faults}

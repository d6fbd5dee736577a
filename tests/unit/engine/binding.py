"""Functions and values that tests bind to a step, and what the functions did."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache, wraps
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, field_serializer

from procedures.engine import Bound, Step
from procedures.engine.declaration.arguments import call_of
from procedures.engine.declaration.bound import bind_with_copies

did: list[Any] = []


def bind(fn: Callable[..., Any], *args: Any, **named: Any) -> Bound[Any]:
    return bind_with_copies(call_of(fn, args, named))


def refund(order: str, amount: int, currency: str = "EUR") -> str:
    did.append((order, amount, currency))
    return order


def only_named(order: str, *, amount: int = 31, step: Step) -> str:
    did.append((order, amount, step.name))
    return order


def whatever(*orders: str, **amounts: int) -> None:
    did.append((orders, amounts))


def by_place(order: str, /, **order_of: str) -> None:
    did.append((order, order_of))


def headed(step: str, function: str) -> None:
    did.append((step, function))


async def slowly(order: str, amount: int) -> str:
    did.append((order, amount))
    return order


def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


@logged
def decorated(order: str, amount: int = 31) -> None:
    did.append((order, amount))


@lru_cache
def remembered(order: str, amount: int = 31) -> None:
    did.append((order, amount))


class Bank:
    rate = 1

    def __init__(self, owed: int = 31) -> None:
        self.owed = owed

    def pay(self, order: str) -> None:
        did.append((order, self.owed))

    def __call__(self, order: str) -> None:
        did.append((order, self.owed))

    @classmethod
    def open(cls, order: str, amount: int) -> None:
        did.append((cls.__name__, order, amount))

    @staticmethod
    def close(order: str) -> None:
        did.append(order)


class SmallBank(Bank):
    pass


bank = Bank()


@dataclass
class Order:
    number: str
    amount: Decimal = field(default=Decimal(1), compare=False)


@dataclass
class Rush(Order):
    fee: int = 0


class Parcel(BaseModel):
    order: Order


class Hiding(BaseModel):
    order: str
    amount: int = Field(default=31, exclude=True)


class Private(BaseModel):
    order: str
    _amount: int = PrivateAttr(default=31)


class Rounding(BaseModel):
    amount: Decimal

    @field_serializer("amount")
    def rounded(self, amount: Decimal) -> str:
        return str(round(amount))


class Account(BaseModel):
    password: SecretStr


class Speed(Enum):
    FAST = "fast"


class Place(NamedTuple):
    x: int
    y: Decimal


class Spot(Place):
    more: int


class SlottedOrder(Order):
    __slots__ = ("more",)
    more: int


class Euros(BaseModel):
    amount: int
    unit: ClassVar[str] = "EUR"


class Dollars(BaseModel):
    amount: int
    unit: ClassVar[str] = "USD"


@dataclass
class Measured:
    sides: tuple[int, int]

    @cached_property
    def area(self) -> int:
        return math.prod(self.sides)


def show(value: Any) -> None:
    did.append(value)


def pay_any(value: Euros | Dollars) -> None:
    did.append(value)


def pay_euros(value: Euros) -> None:
    did.append(value)


HERE = __name__


def closure(amount: int) -> Callable[[str], None]:
    def pay(order: str) -> None:
        did.append((order, amount))

    return pay

"""A signal is refused at the door only if the waiting code would refuse it, too."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError
from typing_extensions import TypedDict

from procedures.engine import Context, procedure
from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import RunStatus
from procedures.engine.values import canonical
from procedures.engine.values.shapes import check_shape, shape_of
from procedures.testing.memory import MemoryStore

AMOUNT = Annotated[Decimal, Field(gt=0, le=Decimal("9.5"), decimal_places=2)]


class Speed(Enum):
    SLOW = "slow"
    FAST = "fast"


class Level(Enum):
    LOW = 1


class Order(BaseModel):
    number: int = Field(alias="order number")
    price: AMOUNT = Decimal(3)
    speeds: list[Speed] = []
    after: "timedelta | None" = None


class Loose(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    code: Annotated[str, Field(max_length=3)]


class Endless(BaseModel):
    inner: "Endless | None" = None


@dataclass
class Cabin:
    beds: int
    names: list[str] = field(default_factory=list)


class Letter(TypedDict, total=False):
    type: str
    day: date


def from_words(value: object) -> object:
    return {"three": 3}.get(str(value), value)


HINTS: list[Any] = [
    *(int, float, bool, str, Decimal, AMOUNT, date, datetime, timedelta, UUID, Any, None),
    *(int | None, float | str, Literal["a", 1], Speed, Level, list[int], dict[str, float]),
    *(set[int], tuple[int, str], Annotated[list[int], Field(max_length=2)]),
    *(Annotated[int, BeforeValidator(from_words)], Annotated[date, Field(gt=date(2026, 1, 1))]),
    *(Annotated[str, Field(pattern="^[A-Z]+$")], Annotated[str, Field(max_length=3)]),
    *(Order, Loose, Endless, Cabin, Letter, RootModel[int], list[Order], Order | Cabin),
]
VALUES: list[Any] = [
    *(None, True, 0, 1, 3, -2, 10**30, 0.5, 2.0, 1e19, 1700000000),
    *("", "a", "three", "42", " 42 ", "0.5", "9.51", "true", "on request", "ABC", "ABC\n", " AB "),
    *("2026-03-01", "2025-03-01", "2026-03-01T09:00:00Z", "PT5M", "slow", "fast", "NaN"),
    "0190e5a4-7c1b-7d2e-8f30-1a2b3c4d5e6f",
    *([], [1, "2"], ["a"], [1, 2, 3], {}, {"a": 1}, {"a": "much"}, {"type": 3}, {"type": "x"}),
    *({"order number": "7"}, {"number": 7}, {"order number": 7, "price": 0}, {"code": "ABC  "}),
    *({"number": 7, "speeds": ["slow"]}, {"number": 7, "speeds": ["slower"]}),
    *({"number": 7, "after": 60}, {"inner": {"inner": None}}, {"inner": 3}, [{"number": 7}]),
    *({"beds": "2"}, {"beds": 2, "names": [3]}, {"day": "2026-03-01", "more": 1}),
]


def is_taken(value: Any, hint: Any) -> bool:
    try:
        canonical.load(value, hint)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("hint", HINTS, ids=map(str, range(len(HINTS))))
def test_what_the_code_takes_is_never_refused(hint: Any) -> None:
    shape = json.loads(canonical.text_of(shape_of(hint)))

    for value in VALUES:
        if is_taken(value, hint):
            check_shape(value, shape)


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (int, "much", r"^The value must be a whole number like 42\.$"),
        (AMOUNT, "9.51", r"The value must be 9\.5 or less\."),
        (Speed, "slower", r"The value must be one of: 'slow' or 'fast'\."),
        (timedelta, "soon", r"^Input should be a valid duration"),
        (
            float | str,
            [],
            r"^float: The value must be a number .* str: The value must be text\.$",
        ),
        (Order, {}, r"order number: The value is missing\."),
        (Order, {"number": 7, "price": 0}, r"price: The value must be more than 0\."),
        (Cabin, {"beds": 2, "names": [3]}, r"names\.0: The value must be text\."),
        (Letter, {"type": 3}, r"type: The value must be text\."),
        (str, "\ud800", "can't be stored"),
    ],
)
def test_what_the_code_refuses_is_told_in_words(hint: Any, value: Any, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        check_shape(value, shape_of(hint))


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (float | str, "on request"),
        (int, "42"),
        (timedelta, 60),
        (Order, {"number": 7}),
        (Annotated[int, BeforeValidator(from_words)], "three"),
    ],
)
def test_a_waiting_run_is_sent_what_it_can_read(store: MemoryStore, hint: Any, value: Any) -> None:
    @procedure
    def waiting(ctx: Context) -> bool:
        return bool(ctx.signal("price", hint).wait())

    run_id = store.start(waiting)
    store.advance(run_id)

    assert store.signal(run_id, "price", value, id="1", by="bob")
    assert store.advance(run_id) == RunStatus.SUCCEEDED

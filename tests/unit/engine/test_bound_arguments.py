"""An argument of a bound step is shown whole, as its JSON, or it is refused."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from procedures.engine import EvidenceError
from tests.unit.engine.binding import (
    HERE,
    Account,
    Bank,
    Dollars,
    Euros,
    Hiding,
    Measured,
    Order,
    Parcel,
    Place,
    Private,
    Rounding,
    Rush,
    SlottedOrder,
    Speed,
    Spot,
    bind,
    did,
    pay_any,
    pay_euros,
    refund,
    show,
)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    did.clear()


def growing(value: Any) -> Any:
    """The value with an attribute of which its JSON knows nothing."""
    value.more = 3100
    return value


def shown(fn: Callable[..., Any], *args: Any, **named: Any) -> dict[str, Any]:
    """The evidence that the approver sees, without its head."""
    evidence = bind(fn, *args, **named).as_evidence()
    return {name: value for name, value in evidence.items() if name not in {"step", "function"}}


def numbers() -> Iterator[int]:
    yield 31


def with_more(order: Order) -> Order:
    order.more = 1  # type: ignore[attr-defined]
    return order


class Name(str):
    amount = 31


endless: list[Any] = []
endless.append(endless)
deep: list[Any] = []
for _ in range(5000):
    deep = [deep]


@pytest.mark.parametrize(
    "value",
    [
        numbers(),
        iter([1]),
        map(str, [1]),
        [numbers()],
        {"a": {"b": (1, numbers())}},
        object(),
        float("nan"),
        [float("inf")],
        "\ud800",
        b"\xff",
        {1: "a", "1": "b"},
        {None: "a", "None": "b"},
        {True: "a", "true": "b"},
        {date(2026, 1, 1): 1, "2026-01-01": 2},
        Parcel(order=Rush("A", fee=31)),
        Hiding(order="A", amount=3100),
        [Rounding(amount=Decimal("31.49"))],
        with_more(Order("A")),
        Account(password=SecretStr("open")),
        SecretStr("open"),
        Name("A"),
        {"A": Bank()},
        len,
        Bank,
        endless,
        deep,
        {1: 1}.keys(),
        range(3),
        partial(refund, "A"),
        Decimal("NaN"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_that_json_does_not_say_whole_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError, match="can't be shown in full"):
        bind(show, value)


def test_a_private_attribute_is_seen() -> None:
    account = Private(order="A")
    account._amount = 3100  # noqa: SLF001 (that is the case)

    with pytest.raises(EvidenceError, match="JSON leaves out a part of it"):
        bind(show, account)


measured = Measured((2, 3))
assert measured.area == 6


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (Decimal("1.50"), "1.50"),
        (datetime(2026, 1, 5, 9, tzinfo=UTC), "2026-01-05T09:00:00Z"),
        (b"A", "A"),
        (Speed.FAST, "fast"),
        (Place(1, Decimal(2)), [1, "2"]),
        (Order("A", Decimal(2)), {"number": "A", "amount": "2"}),
        (Rush("A", fee=3), {"number": "A", "amount": "1", "fee": 3}),
        (Parcel(order=Order("A")), {"order": {"number": "A", "amount": "1"}}),
        (measured, {"sides": [2, 3]}),
        ({"b": {2, 1}, "a": (1.5, True)}, {"b": [1, 2], "a": [1.5, True]}),
        ({7: date(2026, 1, 5)}, {"7": "2026-01-05"}),
        (Path("/a/b"), "/a/b"),
        (OrderedDict(a=1), {"a": 1}),
        (deque([1, 2]), [1, 2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_is_shown_as_its_json(value: Any, plain: Any) -> None:
    assert shown(show, value)["value"] == plain
    assert bind(show, value).args[0] == value


@pytest.mark.parametrize(
    ("fn", "value", "told"),
    [
        (show, Dollars(amount=31), f"{HERE}.Dollars"),
        (show, [Euros(amount=31), 5], {"[0]": f"{HERE}.Euros"}),
        (show, {"fee": {"paid": Dollars(amount=31)}}, {"['fee']['paid']": f"{HERE}.Dollars"}),
        (show, Parcel(order=Order("A")), {".order": f"{HERE}.Order", "": f"{HERE}.Parcel"}),
        (show, {Speed.FAST}, {"[]": f"{HERE}.Speed"}),
        (pay_any, Dollars(amount=31), f"{HERE}.Dollars"),
        (pay_any, Euros(amount=31), None),
        (pay_euros, Euros(amount=31), None),
        (show, [Decimal(1), date(2026, 1, 5)], None),
    ],
)
def test_a_class_that_neither_json_nor_annotation_names_is_shown(
    fn: Callable[..., Any], value: Any, told: Any
) -> None:
    assert shown(fn, value).get("value (type)") == told


def test_a_class_that_no_module_holds_is_refused_where_only_it_says_what_is_meant() -> None:
    class Hidden(BaseModel):
        amount: int

    with pytest.raises(EvidenceError, match=r"the class .*Hidden of an argument"):
        bind(show, Hidden(amount=31))


@pytest.mark.parametrize(
    "value", [growing(SlottedOrder("A")), growing(Spot(1, Decimal(2))), growing(Counter("a"))]
)
def test_what_an_object_holds_beside_its_json_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError, match="its JSON leaves out a part of it"):
        bind(show, value)


def test_a_default_that_cannot_be_shown_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"refuses_default can't be shown in full\. key is a"):
        bind(refuses_default, "A")

    assert shown(refuses_default, "A", key="B") == {"order": "A", "key": "B"}


def refuses_default(order: str, key: Any = object()) -> None:  # noqa: B008 (that is the case)
    did.append((order, key))

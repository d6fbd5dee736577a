"""The signature of a procedure says what inputs it takes."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, SecretStr

from procedures.engine import Check, Context, File, procedure
from procedures.engine.errors import DefinitionError
from procedures.engine.values.files import use_file_store
from procedures.testing.files import MemoryFiles
from tests.unit.engine.orders import Line, Order, Speed, faults, is_round, send_order

GOOD: Mapping[str, Any] = {
    "order": {"orderNumber": 7, "lines": [{"amount": "1.50"}]},
    "due": "2026-03-01",
    "amount": "20",
}


def test_inputs_come_in_their_types() -> None:
    inputs = send_order.parse({**GOOD, "speed": "fast", "address": {"city": "Bonn"}})

    assert inputs == {
        "order": Order(orderNumber=7, lines=[Line(Decimal("1.50"))]),
        "due": date(2026, 3, 1),
        "amount": Decimal(20),
        "speed": Speed.FAST,
        "address": {"city": "Bonn"},
        "is_gift": False,
        "zones": {7: "north"},
        "line": Line(Decimal(1)),
    }


def test_kept_inputs_come_back_in_their_types() -> None:
    inputs = send_order.parse(GOOD)

    text = send_order.dump(inputs)

    assert send_order.load(text) == inputs
    assert json.loads(text)["zones"] == {"7": "north"}


def test_a_default_belongs_to_one_run() -> None:
    first = send_order.parse(GOOD)
    first["zones"][8] = "south"
    first["line"].tags.append("changed")

    second = send_order.parse(GOOD)

    assert (second["zones"], second["line"].tags) == ({7: "north"}, [])


def test_the_schema_names_what_must_be_said() -> None:
    schema = send_order.schema

    assert schema["required"] == ["order", "due", "amount"]
    assert schema["properties"]["due"]["format"] == "date"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"due": "soon"}, "due"),
        ({"order": {"orderNumber": "x", "lines": []}}, "order.orderNumber"),
        ({"order": {"orderNumber": 7, "lines": [{}]}}, "order.lines.0.amount"),
        ({"speed": "warp"}, "speed"),
        ({"colour": "red"}, "colour"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1e999999999"}, "amount"),
        ({"amount": "1e-999999999"}, "amount"),
    ],
)
def test_a_fault_names_its_field(change: Mapping[str, Any], name: str) -> None:
    [(found, message)] = faults(send_order, {**GOOD, **change}).items()

    assert found == name
    assert message.endswith(".")


def test_every_fault_is_told_at_once() -> None:
    assert set(faults(send_order, {"amount": "x"})) == {"order", "due", "amount"}


def test_a_missing_and_an_unknown_input_are_told_in_words() -> None:
    found = faults(send_order, {**GOOD, "colour": "red", "due": date(2026, 3, 1), "order": None})
    assert found["colour"] == "isn't an input of this procedure."

    assert faults(send_order, {"order": GOOD["order"], "amount": 10}) == {"due": "is missing."}


def test_a_check_tells_its_own_words() -> None:
    assert faults(send_order, {**GOOD, "amount": "25"}) == {"amount": "25 is not round."}


@procedure
def loose(ctx: Context, number: float = 1, anything: Any = None) -> None: ...


@pytest.mark.parametrize(
    "raw",
    [
        {"number": float("nan")},
        {"number": float("inf")},
        {"anything": "\ud800"},
        {"anything": [float("nan")]},
        {"anything": object()},
    ],
)
def test_what_cannot_be_kept_is_a_fault(raw: Mapping[str, Any]) -> None:
    [(name, message)] = faults(loose, raw).items()

    assert name in raw
    assert message.startswith("can't be stored: ")


def test_a_secret_is_no_input() -> None:
    assert faults(loose, {"anything": SecretStr("open")}) == {
        "anything": "can't be stored: it contains a secret."
    }


@procedure
def text_default(ctx: Context, number: int = "3") -> None: ...  # type: ignore[assignment]


def test_a_default_is_read_like_an_input() -> None:
    assert text_default.parse({}) == {"number": 3}


@procedure
def odd_names(  # noqa: PLR0913, PLR0917
    this: Context,
    ctx: int,
    self: int,
    cls: int,
    inputs: int,
    model_config: int,
    json: int,
    schema: int,
    fields: int,
    _hidden: int,
    __very: int,
    field: int = 1,
) -> None: ...


def test_no_name_is_reserved() -> None:
    raw = {name: place for place, name in enumerate(odd_names.schema["properties"])}

    inputs = odd_names.parse(raw)

    assert inputs == raw
    assert odd_names.load(odd_names.dump(inputs)) == inputs


@procedure
def with_files(
    ctx: Context,
    orders: Annotated[File, Check(File.text)],
    note: File | None = None,
    name: str = "",
) -> None: ...


def test_inputs_may_be_files() -> None:
    with use_file_store(MemoryFiles()):
        orders = File.store("orders.csv", "a;b")
        inputs = with_files.parse({"orders": orders})
        assert with_files.load(with_files.dump(inputs)) == inputs


def test_nobody_can_forge_a_file() -> None:
    with use_file_store(MemoryFiles()):
        orders = vars(File.store("orders.csv", "a;b"))

    assert "orders" in faults(with_files, {"orders": orders})
    assert "orders" in faults(with_files, {"orders": "orders.csv"})


def unknown(ctx: Context, order: "Unheard") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def unkeepable(ctx: Context, order: MemoryFiles) -> None: ...
def callback(ctx: Context, order: Callable[[], int]) -> None: ...


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (unknown, "unknown: name 'Unheard' is not defined"),
        (unkeepable, "unkeepable: "),
        (callback, "callback: "),
    ],
)
def test_inputs_of_no_use_are_told_with_the_schema(fn: Callable[..., Any], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        procedure(fn).schema  # noqa: B018


def test_a_limit_may_stand_in_the_default() -> None:
    @procedure
    def limited(ctx: Context, number: int = Field(5, gt=0)) -> None: ...

    assert limited.parse({}) == {"number": 5}
    assert set(faults(limited, {"number": 0})) == {"number"}


def within(amount: Decimal, *, limit: Decimal) -> None:
    if amount > limit:
        raise ValueError(f"{amount} is above {limit}.")


@procedure
def pay_within(
    ctx: Context,
    amount: Annotated[Decimal, Check(is_round), Check(within, needs=("limit",))],
    limit: Decimal = Decimal(100),
) -> None: ...


def test_a_check_may_look_at_other_inputs_too() -> None:
    assert pay_within.parse({"amount": "120", "limit": "200"})["amount"] == 120
    assert faults(pay_within, {"amount": "120"}) == {"amount": "120 is above 100."}


def test_a_check_of_several_inputs_waits_until_each_is_valid_by_itself() -> None:
    assert faults(pay_within, {"amount": "125"}) == {"amount": "125 is not round."}


def test_a_check_that_needs_what_is_no_input_is_refused_at_the_declaration() -> None:
    with pytest.raises(DefinitionError, match="needs 'limits', which isn't an input"):

        @procedure
        def pay_wrongly(
            ctx: Context, amount: Annotated[Decimal, Check(within, needs=("limits",))]
        ) -> None: ...

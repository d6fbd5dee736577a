"""Canonical JSON: one text for equal values, and the way back."""

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from procedures.engine.values import canonical

T = TypeVar("T")
NAN, INFINITE = float("nan"), float("inf")


@dataclass
class Parcel:
    tags: set[str]
    weight: Decimal = Decimal("1.50")


@dataclass
class Box:
    held: Any


class Aliased(BaseModel):
    number: int = Field(alias="orderNumber")


class Renamed(BaseModel):
    number: int = Field(validation_alias="in", serialization_alias="out")


class Place(NamedTuple):
    x: int
    y: Decimal


class Named(TypedDict, total=False):
    at: datetime


class Level(IntEnum):
    LOW = 1


@dataclass(slots=True, frozen=True)
class Page(Generic[T]):
    items: list[T]
    next: "Page[T] | None" = None


class Load(BaseModel):
    parcels: list[Parcel]
    zones: frozenset[int]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ("Zürich 🙂", '"Zürich 🙂"'),
        ('"\\\n\0', r'"\"\\\n\u0000"'),
        ((1, 2.5), "[1,2.5]"),
        (10**30, "1" + "0" * 30),
        (Decimal("1.50"), '"1.50"'),
        (date(2026, 3, 1), '"2026-03-01"'),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), '"2026-03-01T09:00:00Z"'),
        ({3, 1, 2}, "[1,2,3]"),
        ({7: "north"}, '{"7":"north"}'),
        (Parcel({"b", "a"}), '{"tags":["a","b"],"weight":"1.50"}'),
    ],
)
def test_every_value_has_one_text(value: object, text: str) -> None:
    assert canonical.dump(value) == text


def test_equal_values_have_equal_texts_whatever_their_order() -> None:
    chance = random.Random(2026)  # noqa: S311 (no secret: must repeat)
    for _ in range(200):
        value = anything(chance, depth=4)
        assert canonical.dump(value) == canonical.dump(shuffled(value, chance))


def test_a_text_comes_back_as_the_value_it_was_made_of() -> None:
    chance = random.Random(7)  # noqa: S311 (no secret: must repeat)
    for _ in range(200):
        value = anything(chance, depth=4)
        assert json.loads(canonical.dump(value)) == value


def anything(chance: random.Random, *, depth: int) -> Any:
    kind = chance.randrange(7 if depth else 5)
    if kind == 5:
        return [anything(chance, depth=depth - 1) for _ in range(chance.randrange(5))]
    if kind == 6:
        names = ["".join(chance.choices('aäZ🙂 \n"', k=3)) for _ in range(chance.randrange(5))]
        return {name: anything(chance, depth=depth - 1) for name in names}
    return [None, chance.random() < 0.5, chance.randrange(-(10**20), 10**20), chance.gauss(), "ß"][
        kind
    ]


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [shuffled(one, chance) for one in value]
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {name: shuffled(one, chance) for name, one in items}
    return value


def test_a_set_has_the_same_text_in_every_process() -> None:
    code = (
        "from procedures.engine.values import canonical\n"
        "from tests.unit.engine.test_canonical import Load, Parcel\n"
        "names = {f'name {number}' for number in range(20)}\n"
        "load = Load(parcels=[Parcel(names)], zones=frozenset(range(50)))\n"
        "print(canonical.dump({'load': load, 'names': [names, {frozenset(names)}]}))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(texts) == 1


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("-inf"), "\ud800", {"\udfff": 1}, object(), b"\xff", [[object()]]],
)
def test_what_json_cannot_hold_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical.dump(value)


def test_what_is_nested_without_end_is_a_value_error() -> None:
    endless: list[object] = []
    endless.append(endless)
    deep: object = None
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ValueError, match="Circular"):
        canonical.dump(endless)
    with pytest.raises(ValueError, match="nested too deeply"):
        canonical.dump(deep)
    with pytest.raises(ValueError, match="recursion"):
        canonical.text_of(deep)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Parcel({"a"}), Parcel),
        ([Parcel({"a"}), Parcel({"b"})], list[Parcel]),
        (None, Parcel | None),
        ({7: date(2026, 3, 1)}, dict[int, date]),
        ((1, Decimal("1.5")), tuple[int, Decimal]),
        (Load(parcels=[], zones=frozenset({1})), Load),
        (b"bytes", bytes),
        (Aliased(orderNumber=7), Aliased),
        (Renamed.model_validate({"in": 7}), Renamed),
        ([Aliased(orderNumber=7)], list[Aliased]),
        (Place(1, Decimal("2.0")), Place),
        ({"at": datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2)))}, Named),
        (Level.LOW, Level),
        (Page([Parcel({"a"})], Page([])), Page[Parcel]),
        ([1, "1", 1.5, None], list[int | str | float | None]),
        (timedelta(days=1, microseconds=3), timedelta),
        (7, Annotated[int, {"unit": "EUR"}]),
    ],
)
def test_a_value_is_kept_in_its_type(value: object, hint: Any) -> None:
    kept, back = canonical.keepable(value, hint)

    assert json.loads(canonical.text_of(kept)) == kept
    assert back == canonical.load(kept, hint) == value


def test_a_value_of_another_type_is_not_kept() -> None:
    with pytest.raises(ValueError, match=r"doesn't fit its annotation: tags: Field required"):
        canonical.keepable({"weight": "1.5"}, Parcel)


def test_a_text_can_be_freed_of_what_no_database_keeps() -> None:
    assert canonical.legible("a\0b\ud800ü🙂") == r"a␀b\ud800ü🙂"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (NAN, float),
        ({"a": NAN}, dict[str, Any]),
        ([[INFINITE]], list),
        ((1, NAN), tuple[int, Any]),
        ({"a": INFINITE}, object),
        (NAN, object),
        (Box(NAN), Box),
        (Box([{"a": INFINITE}]), Box),
    ],
)
def test_no_number_becomes_null(value: Any, hint: Any) -> None:
    with pytest.raises(ValueError, match="can't be stored: It contains NaN or an infinite number"):
        canonical.keepable(value, hint)


def test_null_stays_null() -> None:
    assert canonical.keepable(Box([None]), Box) == ({"held": [None]}, Box([None]))


@pytest.mark.parametrize("value", [{1: "a", "1": "b"}, [b"\xff"], object(), float("nan")])
def test_why_a_value_cannot_be_kept_is_part_of_a_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match=r"can't be stored: .*[^.]$"):
        canonical.keepable(value, Any)


@pytest.mark.parametrize("depth", [1, 199, 250, 600])
def test_a_value_is_read_however_deeply_it_is_nested(depth: int) -> None:
    text = "[" * depth + '"ä"' + "]" * depth

    found = canonical.value_of(text)

    for _ in range(depth):
        (found,) = found
    assert found == "ä"


@pytest.mark.parametrize(
    "text", ['{"a":"\\ud800"}', '{"a":1e400,"b":-0.0,"c":123456789012345678901234567890}', '""']
)
def test_a_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    found = canonical.value_of(text)

    assert repr(found) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", '{"a":1', "{'a':1}", "nul"])
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        canonical.plain(text)
